"""Pauses: an operator lets a tenant's deliveries rest, or every tenant's, until an operator resumes them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, Text, cast, delete, literal
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.db.limits.holds import Cause
from app.db.reports.audit import Witness
from app.db.session import Database
from app.db.tables import Gate

_ENDLESS: Final = cast(literal("infinity", Text), DateTime(timezone=True))


async def pause(database: Database, tenant_id: UUID, *, by: str, reason: str, witness: Witness | None = None) -> None:
    """Let no delivery of *tenant_id* (or of `EVERY_TENANT`) be claimed until `resume`. What runs goes on."""
    told = {"closed_by": by, "reason": reason}
    row = insert(Gate).values(tenant_id=tenant_id, cause=Cause.PAUSED, closed_until=_ENDLESS, **told)
    async with database.as_tenant(tenant_id) as session:
        await session.execute(row.on_conflict_do_update(index_elements=["tenant_id", "cause"], set_=told))
        if witness is not None:
            await witness(session, tenant_id, 1)


async def resume(database: Database, tenant_id: UUID, *, witness: Witness | None = None) -> bool:
    """End a pause. False when there was none."""
    row = delete(Gate).where(col(Gate.tenant_id) == tenant_id, col(Gate.cause) == Cause.PAUSED)
    async with database.as_tenant(tenant_id) as session:
        was_paused = (await session.execute(row.returning(col(Gate.cause)))).first() is not None
        if was_paused and witness is not None:
            await witness(session, tenant_id, 1)
    return was_paused
