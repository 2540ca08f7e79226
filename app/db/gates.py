"""Gates: why a tenant's deliveries rest, or a source of its context is not asked, and until when.

Invariant: a closed gate loses nothing. Behind `paused`, `help_desk` and `calls` deliveries stay due and unclaimed;
behind `model` and `monitoring` notes are written without them, and say so. Times are the database's own.

A dependency's gate is a circuit breaker: failures in a row close it for a while (`core.retry.rest_after`); after that
one delivery at a time tries, until one succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.core.retry import rest_after
from app.db.audit import Witness
from app.db.session import Database

EVERY_TENANT: Final = UUID(int=0)

_PAUSE: Final = text("""
insert into gate as old (tenant_id, cause, closed_until, closed_by, reason)
values (:tenant_id, 'paused', 'infinity', :by, :reason)
on conflict (tenant_id, cause) do update set closed_by = excluded.closed_by, reason = excluded.reason
""")
_OPEN: Final = text("delete from gate where tenant_id = :tenant_id and cause = :cause returning cause")
_CLOSE: Final = text("""
insert into gate as old (tenant_id, cause, closed_until) values (:tenant_id, :cause, now() + cast(:wait as interval))
on conflict (tenant_id, cause) do update set closed_until = greatest(old.closed_until, excluded.closed_until),
    since = case when old.closed_until > now() then old.since else now() end
""")
# What fails while the gate is closed began before it closed: one outage, counted once.
_COUNT: Final = text("""
insert into gate as old (tenant_id, cause, failures) values (:tenant_id, :cause, 1)
on conflict (tenant_id, cause) do update
    set failures = old.failures + case when old.closed_until > now() then 0 else 1 end
returning failures, coalesce(closed_until > now(), false) as is_closed
""")
_REST: Final = text("""
update gate set closed_until = now() + cast(:wait as interval) where tenant_id = :tenant_id and cause = :cause
""")
_LIST: Final = text("""
select tenant_id, cause, closed_until = 'infinity' as is_endless, nullif(closed_until, 'infinity') as closed_until,
    failures, since, closed_by, reason
from gate where tenant_id = any(cast(:tenant_ids as uuid[])) and closed_until > now() order by since
""")


class Cause(StrEnum):
    """What closes a gate."""

    PAUSED = "paused"
    HELP_DESK = "help_desk"
    CALLS = "calls"
    MODEL = "model"
    MONITORING = "monitoring"


@dataclass(frozen=True, slots=True)
class ClosedGate:
    """A gate that is closed now."""

    tenant_id: UUID
    cause: Cause
    until: datetime | None
    """None: until an operator opens it."""
    since: datetime
    failures: int
    closed_by: str | None
    reason: str | None


class Gates:
    """The gates of all tenants, each call for one tenant or for every."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pause(self, tenant_id: UUID, *, by: str, reason: str, witness: Witness | None = None) -> None:
        """Let no delivery of *tenant_id* (or of `EVERY_TENANT`) be claimed until `resume`. What runs goes on."""
        async with self._database.as_tenant(tenant_id) as session:
            await session.execute(_PAUSE, {"tenant_id": tenant_id, "by": by, "reason": reason})
            if witness is not None:
                await witness(session, tenant_id, 1)

    async def resume(self, tenant_id: UUID, *, witness: Witness | None = None) -> bool:
        """End a pause. False when there was none."""
        return await self.open(tenant_id, Cause.PAUSED, witness=witness)

    async def open(self, tenant_id: UUID, cause: Cause, *, witness: Witness | None = None) -> bool:
        """Open the gate and forget its failures. False when there were none."""
        async with self._database.as_tenant(tenant_id) as session:
            is_opened = (await session.execute(_OPEN, {"tenant_id": tenant_id, "cause": cause})).first() is not None
            if is_opened and witness is not None:
                await witness(session, tenant_id, 1)
        return is_opened

    async def close(self, tenant_id: UUID, cause: Cause, *, wait: timedelta) -> None:
        """Close the gate for *wait*, or as long as it is closed already."""
        async with self._database.as_tenant(tenant_id) as session:
            await session.execute(_CLOSE, {"tenant_id": tenant_id, "cause": cause, "wait": wait})

    async def count_failure(self, tenant_id: UUID, cause: Cause) -> bool:
        """Count a failure of the dependency. True when its gate is closed now."""
        key = {"tenant_id": tenant_id, "cause": cause}
        async with self._database.as_tenant(tenant_id) as session:
            row = (await session.execute(_COUNT, key)).one()
            if row.is_closed:
                return True
            rest = rest_after(row.failures)
            if rest is None:
                return False
            await session.execute(_REST, {**key, "wait": rest})
        return True

    async def closed(self, tenant_ids: Iterable[UUID]) -> list[ClosedGate]:
        """The closed gates of these tenants, and of every tenant; the longest closed first."""
        async with self._database.across_tenants() as session:
            rows = (await session.execute(_LIST, {"tenant_ids": [*tenant_ids, EVERY_TENANT]})).all()
        return [
            ClosedGate(
                tenant_id=row.tenant_id,
                cause=Cause(row.cause),
                until=None if row.is_endless else row.closed_until,
                since=row.since,
                failures=row.failures,
                closed_by=row.closed_by,
                reason=row.reason,
            )
            for row in rows
        ]
