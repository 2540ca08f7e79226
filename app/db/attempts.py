"""The history of a delivery's attempts. Written once each, when an attempt ended; nothing depends on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.core.steps import Step
from app.db.ledger import Claim
from app.db.session import Database

_RECORD: Final = text("""
insert into attempt (tenant_id, job_id, attempt, began_at, outcome, error, steps)
select tenant_id, job_id, cast(:attempt as bigint), cast(:began_at as timestamptz), cast(:outcome as text), case
        when cast(:outcome as text) in ('failed', 'retried', 'throttled', 'held') then last_error
        when cast(:outcome as text) = 'ignored' then ignored_because
    end, cast(:steps as jsonb)
from delivery where tenant_id = :tenant_id and job_id = :job_id on conflict do nothing
""")
_LIST: Final = text("""
select attempt, began_at, ended_at, outcome, error, steps from attempt
where tenant_id = :tenant_id and job_id = :job_id order by attempt desc limit :limit
""")
_MOST_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that ended."""

    attempt: int
    began_at: datetime
    ended_at: datetime
    outcome: str
    error: str | None
    steps: tuple[Step, ...]


async def record_attempt(
    database: Database, claim: Claim, *, began_at: datetime, outcome: str, steps: Sequence[Step]
) -> None:
    """Keep how the attempt went; why it failed stands in the delivery, which was settled or given back just now."""
    values = {
        **claim.key,
        "began_at": began_at,
        "outcome": outcome,
        "steps": json.dumps([step.model_dump(mode="json", exclude_defaults=True) for step in steps]),
    }
    async with database.as_tenant(claim.tenant_id) as session:
        await session.execute(_RECORD, values)


async def list_attempts(database: Database, tenant_id: UUID, job_id: UUID) -> list[Attempt]:
    """The latest attempts at a delivery, in their order."""
    async with database.as_tenant(tenant_id) as session:
        values = {"tenant_id": tenant_id, "job_id": job_id, "limit": _MOST_SHOWN}
        rows = (await session.execute(_LIST, values)).all()
    return [
        Attempt(
            attempt=row.attempt,
            began_at=row.began_at,
            ended_at=row.ended_at,
            outcome=row.outcome,
            error=row.error,
            steps=tuple(Step.model_validate(each) for each in row.steps),
        )
        for row in reversed(rows)
    ]
