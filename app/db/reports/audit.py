"""The record of operators' acts: who did what, written in the transaction of the act itself (`acts`: of those that
change nothing else).

Invariant: acts are added and never changed. An act on all tenants has the tenant id of all zeros.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.db.each import ask_each, load_newest
from app.db.session import Database
from app.db.sqlalchemy_sessions import load_text

Witness = Callable[[AsyncSession, UUID, int], Awaitable[None]]
"""Records an act in its transaction. Called with the tenant's id and the number of rows that the act changed."""

_RECORD: Final = load_text(__package__, "record_act")
_ACTS: Final = load_newest(__package__, "acts", by=["acted_at"])


@dataclass(frozen=True, slots=True)
class Act:
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
        await session.execute(_RECORD, row)

    return record


async def list_acts(database: Database, tenant_ids: Sequence[UUID], *, limit: int) -> list[Act]:
    """The latest acts of these tenants, newest first."""
    found = await ask_each(database, tenant_ids, _ACTS, lambda row: Act(**row), limit=limit)
    return sorted(found, key=lambda act: act.acted_at, reverse=True)[:limit]
