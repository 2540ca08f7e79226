"""What of each tenant is not settled, and what failed and waits for an operator. Ids, numbers and times, no content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.db.session import Database

_LOAD: Final = text("""
select tenant_id, count(*) filter (where not is_leased or due_at <= now()) as waiting,
    count(*) filter (where is_leased and due_at > now()) as working, min(accepted_at) as oldest,
    min(due_at) filter (where due_at <= now()) as due_since
from due group by tenant_id
""")
_FAILED: Final = text("select tenant_id, count(*) as number, min(failed_at) as since from dead group by tenant_id")


@dataclass(frozen=True, slots=True)
class TenantLoad:
    """A tenant's deliveries that are not settled."""

    waiting: int = 0
    working: int = 0
    oldest: datetime | None = None
    """When the oldest of them was accepted."""
    due_since: datetime | None = None
    """Since when one could be claimed and is not."""


@dataclass(frozen=True, slots=True)
class FailedDeliveries:
    """A tenant's failed deliveries that no operator has replayed or dismissed."""

    number: int = 0
    since: datetime | None = None
    """When the first of them failed."""


async def load_by_tenant(database: Database) -> dict[UUID, TenantLoad]:
    """What is not settled, of each tenant that has any."""
    async with database.across_tenants() as session:
        rows = (await session.execute(_LOAD)).all()
    return {row.tenant_id: TenantLoad(row.waiting, row.working, row.oldest, row.due_since) for row in rows}


async def failed_by_tenant(database: Database) -> dict[UUID, FailedDeliveries]:
    """What failed and waits for an operator, of each tenant that has any."""
    async with database.across_tenants() as session:
        rows = (await session.execute(_FAILED)).all()
    return {row.tenant_id: FailedDeliveries(row.number, row.since) for row in rows}
