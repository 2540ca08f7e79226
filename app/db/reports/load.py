"""For each tenant: deliveries that are not settled, and failed ones that wait for an operator. Only ids and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.db.session import Database
from app.db.sql import load

_LOAD: Final = load(__package__, "load_by_tenant")
_FAILED: Final = load(__package__, "failed_by_tenant")


@dataclass(frozen=True, slots=True)
class TenantLoad:
    """The number and age of a tenant's deliveries that are not settled."""

    waiting: int = 0
    working: int = 0
    oldest: datetime | None = None
    """When the oldest of them was accepted."""
    due_since: datetime | None = None
    """Since when the first of them is due and not claimed; None: none is."""


@dataclass(frozen=True, slots=True)
class FailedDeliveries:
    """A tenant's failed deliveries that no operator has replayed or dismissed."""

    number: int = 0
    since: datetime | None = None
    """When the first of them failed."""


async def load_by_tenant(database: Database) -> dict[UUID, TenantLoad]:
    """The load of each tenant that has unsettled deliveries."""
    async with database.transaction(None, reads_all_times=True) as tx:
        rows = await tx.rows(_LOAD)
    return {
        row["tenant_id"]: TenantLoad(row["waiting"], row["working"], row["oldest"], row["due_since"]) for row in rows
    }


async def failed_by_tenant(database: Database) -> dict[UUID, FailedDeliveries]:
    """The failed deliveries of each tenant that has any for an operator."""
    async with database.transaction(None, reads_all_times=True) as tx:
        rows = await tx.rows(_FAILED)
    return {row["tenant_id"]: FailedDeliveries(row["number"], row["since"]) for row in rows}
