"""Pauses: an operator lets a tenant's deliveries rest, or every tenant's, until an operator resumes them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.db.audit import Witness
from app.db.limits.holds import Cause
from app.db.session import Database

_PAUSE: Final = text("""
insert into gate (tenant_id, cause, closed_until, closed_by, reason)
values (:tenant_id, :cause, 'infinity', :by, :reason)
on conflict (tenant_id, cause) do update set closed_by = excluded.closed_by, reason = excluded.reason
""")
_RESUME: Final = text("delete from gate where tenant_id = :tenant_id and cause = :cause returning cause")


async def pause(database: Database, tenant_id: UUID, *, by: str, reason: str, witness: Witness | None = None) -> None:
    """Let no delivery of *tenant_id* (or of `EVERY_TENANT`) be claimed until `resume`. What runs goes on."""
    async with database.as_tenant(tenant_id) as session:
        values = {"tenant_id": tenant_id, "cause": Cause.PAUSED, "by": by, "reason": reason}
        await session.execute(_PAUSE, values)
        if witness is not None:
            await witness(session, tenant_id, 1)


async def resume(database: Database, tenant_id: UUID, *, witness: Witness | None = None) -> bool:
    """End a pause. False when there was none."""
    async with database.as_tenant(tenant_id) as session:
        key = {"tenant_id": tenant_id, "cause": Cause.PAUSED}
        was_paused = (await session.execute(_RESUME, key)).first() is not None
        if was_paused and witness is not None:
            await witness(session, tenant_id, 1)
    return was_paused
