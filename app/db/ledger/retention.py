"""Deliveries and enhancements are forgotten after 90 days, a batch at a time.

Invariant: what is not settled stays, however old. The database decides what is old enough (`forget_settled`): no
worker can delete anything younger, or another tenant's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.db.session import Database

BATCH: Final = 500
"""Of deliveries and of enhancements each: some 20 ms of one connection."""

# One worker at a time; the lock ends with its transaction.
_LOCK: Final = text("select pg_try_advisory_xact_lock(7203004)")
_FORGET: Final = text("select deliveries, enhancements from forget_settled(:batch)")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one batch took."""

    deliveries: int
    enhancements: int

    @property
    def may_be_more(self) -> bool:
        return max(self.deliveries, self.enhancements) == BATCH


async def forget_batch(database: Database, tenant_id: UUID) -> Forgotten | None:
    """Forget a batch of what is old of *tenant_id*. None while another worker is at it."""
    async with database.as_tenant(tenant_id) as session:
        if not (await session.execute(_LOCK)).scalar():
            return None
        row = (await session.execute(_FORGET, {"batch": BATCH})).one()
    return Forgotten(row.deliveries, row.enhancements)
