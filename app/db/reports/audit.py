"""The record of operators' acts: who did what, written in the transaction of the act itself.

Invariant: acts are added and never changed. An act on all tenants has the tenant id of all zeros.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.db.reports.each import read_each
from app.db.session import Database
from app.db.tables import AuditRow

Witness = Callable[[AsyncSession, UUID, int], Awaitable[None]]
"""Records an act in its transaction. Called with the tenant's id and the number of rows that the act changed."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act of an operator."""

    tenant_id: UUID
    acted_at: datetime
    actor: str
    act: str
    number: int
    detail: str


def witness(actor: str, act: str, detail: str = "") -> Witness:
    """A `Witness` that records that *actor* did *act*."""

    async def record(session: AsyncSession, tenant_id: UUID, number: int) -> None:
        row = {"tenant_id": tenant_id, "actor": actor, "act": act, "number": number, "detail": detail}
        await session.execute(insert(AuditRow).values(row))

    return record


async def record_act(database: Database, tenant_id: UUID, witness: Witness, *, number: int = 1) -> None:
    """Record an act that changes nothing else in the database."""
    async with database.as_tenant(tenant_id) as session:
        await witness(session, tenant_id, number)


async def list_acts(database: Database, tenant_ids: Sequence[UUID], *, limit: int) -> list[Act]:
    """The latest acts of these tenants, newest first."""

    async def read(session: AsyncSession, tenant_id: UUID) -> list[Act]:
        latest = select(AuditRow).where(col(AuditRow.tenant_id) == tenant_id)
        latest = latest.order_by(col(AuditRow.acted_at).desc()).limit(limit)
        return [
            Act(row.tenant_id, row.acted_at, row.actor, row.act, row.number, row.detail)
            for row in (await session.execute(latest)).scalars()
        ]

    acts = [act for own in await read_each(database, tenant_ids, read) for act in own]
    return sorted(acts, key=lambda act: act.acted_at, reverse=True)[:limit]
