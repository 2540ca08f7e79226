"""For each tenant: deliveries that are not settled, and failed ones that wait for an operator. Only ids and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.db.session import Database
from app.db.tables import Due, FailedRow

_is_working: Final = col(Due.is_leased) & (col(Due.due_at) > func.now())
_LOAD: Final = select(
    col(Due.tenant_id),
    func.count().filter(~_is_working).label("waiting"),
    func.count().filter(_is_working).label("working"),
    func.min(Due.accepted_at).label("oldest"),
    func.min(Due.due_at).filter(col(Due.due_at) <= func.now()).label("due_since"),
).group_by(col(Due.tenant_id))
_FAILED: Final = select(
    col(FailedRow.tenant_id), func.count().label("number"), func.min(FailedRow.failed_at).label("since")
).group_by(col(FailedRow.tenant_id))


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
    async with database.across_tenants() as session:
        rows = (await session.execute(_LOAD)).all()
    return {row.tenant_id: TenantLoad(row.waiting, row.working, row.oldest, row.due_since) for row in rows}


async def failed_by_tenant(database: Database) -> dict[UUID, FailedDeliveries]:
    """The failed deliveries of each tenant that has any for an operator."""
    async with database.across_tenants() as session:
        rows = (await session.execute(_FAILED)).all()
    return {row.tenant_id: FailedDeliveries(row.number, row.since) for row in rows}
