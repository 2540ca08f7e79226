"""The history of a delivery's attempts, for the console. A row is written when an attempt ends, and never changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.core.outcome import Ending
from app.core.steps import Step
from app.db.ledger.claims import Claim
from app.db.session import Database
from app.errors import Code

_RECORD: Final = text("""
insert into attempt (tenant_id, job_id, attempt, began_at, outcome, code, error, steps)
values (:tenant_id, :job_id, :attempt, :began_at, :outcome, :code, :error, cast(:steps as jsonb))
on conflict do nothing
""")
_LIST: Final = text("""
select attempt, began_at, ended_at, outcome, code, error, steps from attempt
where tenant_id = :tenant_id and job_id = :job_id order by attempt desc limit :limit
""")
_MOST_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """How one attempt went, from the worker."""

    began_at: datetime
    ending: Ending
    code: Code | None
    """Why it led to no note; None when it did."""
    error: str | None
    """The same as a sentence."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """One attempt that ended, as stored."""

    attempt: int
    began_at: datetime
    ended_at: datetime
    outcome: str
    code: str | None
    error: str | None
    steps: tuple[Step, ...]


async def record_attempt(database: Database, claim: Claim, record: AttemptRecord) -> None:
    """Store how an attempt at *claim* went, after its outcome was stored in the delivery."""
    values = {
        **claim.key,
        "began_at": record.began_at,
        "outcome": record.ending,
        "code": record.code,
        "error": record.error,
        "steps": json.dumps([step.model_dump(mode="json", exclude_defaults=True) for step in record.steps]),
    }
    async with database.as_tenant(claim.tenant_id) as session:
        await session.execute(_RECORD, values)


async def list_attempts(database: Database, tenant_id: UUID, job_id: UUID) -> list[PastAttempt]:
    """The latest attempts at a delivery, oldest first."""
    async with database.as_tenant(tenant_id) as session:
        values = {"tenant_id": tenant_id, "job_id": job_id, "limit": _MOST_SHOWN}
        rows = (await session.execute(_LIST, values)).all()
    return [
        PastAttempt(
            attempt=row.attempt,
            began_at=row.began_at,
            ended_at=row.ended_at,
            outcome=row.outcome,
            code=row.code,
            error=row.error,
            steps=tuple(Step.model_validate(each) for each in row.steps),
        )
        for row in reversed(rows)
    ]
