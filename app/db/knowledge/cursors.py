"""How far the sync has read a tenant's items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.db.each import ask_each, load_each
from app.db.session import Database, Row
from app.db.sql import load

CursorKind = Literal["tickets", "articles", "assets", "reconciliation"]

_CURSOR: Final = load(__package__, "cursor")
_CURSORS: Final = load_each(__package__, "cursor")


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the sync has read one kind of item."""

    seen_up_to: datetime | None = None
    """All items that were updated before this are stored; by the clock of ServiceDesk Plus."""
    listed_at: datetime | None = None
    """When the last complete listing began; by the database's clock."""


async def load_cursor(database: Database, tenant_id: UUID, kind: CursorKind) -> Cursor:
    """The cursor of *kind*; an empty one before the first sync."""
    async with database.transaction(tenant_id, reads_all_times=True) as tx:
        row = await tx.row(_CURSOR, tenant_id=tenant_id, kind=kind)
    return Cursor() if row is None else Cursor(**row)


async def load_cursors(database: Database, tenant_ids: Sequence[UUID], kind: CursorKind) -> dict[UUID, Cursor]:
    """The same of each of these tenants that has one."""

    def read(row: Row) -> tuple[UUID, Cursor]:
        return row["tenant_id"], Cursor(row["seen_up_to"], row["listed_at"])

    return dict(await ask_each(database, tenant_ids, _CURSORS, read, kind=kind))
