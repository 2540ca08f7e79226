"""Deletes settled deliveries and their enhancements after 90 days, in batches, and how tickets arrived after two; adds up
the counters of hours, once their day is over.

Invariant: what is not settled is kept, however old. The database function `forget_settled` decides what is old enough,
so a worker can't delete anything younger, or another tenant's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.db.session import Database
from app.db.sql import load

BATCH: Final = 500
"""At most so many deliveries, enhancements and arrivals each at once: some 20 ms of one connection."""

_LOCK: Final = load(__package__, "lock_retention")
_FORGET_SETTLED: Final = load(__package__, "forget_settled")
_ADD_UP_HOURS: Final = load(__package__, "add_up_hours")
_FORGET_ARRIVALS: Final = load(__package__, "forget_arrivals")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows one batch deleted."""

    deliveries: int
    enhancements: int
    arrivals: int

    @property
    def may_be_more(self) -> bool:
        return max(self.deliveries, self.enhancements, self.arrivals) == BATCH


async def forget_batch(database: Database, tenant_id: UUID) -> Forgotten | None:
    """Delete one batch of *tenant_id*'s old rows. None while another worker does this."""
    async with database.transaction(tenant_id) as tx:
        if not await tx.value(_LOCK):
            return None
        [row] = await tx.rows(_FORGET_SETTLED, batch=BATCH)
        arrivals = await tx.value(_FORGET_ARRIVALS, tenant_id=tenant_id, batch=BATCH)
    return Forgotten(**row, arrivals=arrivals)


async def add_up_hours(database: Database, tenant_id: UUID) -> None:
    """Put the counters of each day that is over into one row."""
    async with database.transaction(tenant_id) as tx:
        await tx.run(_ADD_UP_HOURS, tenant_id=tenant_id)
