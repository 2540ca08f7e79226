"""Records operators' acts, and a worker's on a ticket's fields, that change nothing else in the database."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from app.db.session import Database
from app.db.sql import load

_RECORD: Final = load(__package__, "record_act")


async def record_act(
    database: Database, tenant_id: UUID, *, actor: str, act: str, detail: str = "", number: int = 1
) -> None:
    """Record that *actor* did *act*. *number*: of rows that it changed elsewhere."""
    async with database.transaction(tenant_id) as tx:
        await tx.run(_RECORD, tenant_id=tenant_id, actor=actor, act=act, number=number, detail=detail)
