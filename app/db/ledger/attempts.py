"""The history of a delivery's attempts, for the console. A row is written when an attempt ends, and never changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.core.outcome import Ending
from app.core.steps import Step
from app.db.ledger.claims import Claim
from app.db.session import Database
from app.db.sql import load
from app.errors import Code

_MOST_SHOWN: Final = 50
_RECORD: Final = load(__package__, "record_attempt")
_LIST: Final = load(__package__, "attempts")


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

    @property
    def values(self) -> dict[str, Any]:
        """As a statement takes them."""
        return {
            "began_at": self.began_at,
            "outcome": self.ending,
            "code": self.code,
            "error": self.error,
            "steps": json.dumps([step.model_dump(mode="json", exclude_defaults=True) for step in self.steps]),
        }


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """One attempt that ended, as stored."""

    attempt: int
    began_at: datetime
    outcome: str
    code: str | None
    error: str | None
    steps: tuple[Step, ...]


async def record_attempt(database: Database, claim: Claim, record: AttemptRecord) -> None:
    """Store how an attempt at *claim* went that posted no note, after its outcome was stored in the delivery."""
    async with database.transaction(claim.tenant_id) as tx:
        await tx.run(_RECORD, **claim.key, **record.values)


async def list_attempts(database: Database, tenant_id: UUID, job_id: UUID) -> list[PastAttempt]:
    """The latest attempts at a delivery, oldest first."""
    async with database.transaction(tenant_id) as tx:
        rows = await tx.rows(_LIST, tenant_id=tenant_id, job_id=job_id, most=_MOST_SHOWN)
    return [PastAttempt(**{**row, "steps": _steps(row["steps"])}) for row in reversed(rows)]


def _steps(stored: str) -> tuple[Step, ...]:
    """The steps of a column, as far as this release can read them."""
    try:
        return tuple(Step.model_validate(each) for each in json.loads(stored))
    except (ValueError, TypeError, RecursionError):  # ValueError: also a number of too many digits
        return ()
