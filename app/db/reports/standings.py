"""What technicians' votes make of each source in the search, and the acts by which an operator takes them back.

Invariant: nothing is deleted: votes stay, and those up to `reset_at` don't count. To count them again takes the reset away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.core.standing import factor
from app.db.each import ask_each, load_each
from app.db.reports.audit import Witness
from app.db.session import Database
from app.db.tables import SourceReset

_STANDINGS: Final = load_each(__package__, "standings")


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one source: `ticket` or `article`, and its id."""

    tenant_id: UUID
    kind: str
    source_id: str
    up: int
    """Votes that count."""
    down: int
    reset_at: datetime | None
    """Votes up to then were taken back."""
    actor: str | None
    """Who took them back."""

    @property
    def factor(self) -> float:
        """By how much it counts in the search, 0.5 to 1."""
        return factor(self.up, self.down)


async def list_standings(database: Database, tenant_ids: Sequence[UUID]) -> list[Standing]:
    """Of each source with a vote of the last 90 days, or whose votes were taken back."""
    return await ask_each(database, tenant_ids, _STANDINGS, lambda row: Standing(**row))


async def take_back(
    database: Database, tenant_id: UUID, *, kind: str, source_id: str, by: str, witness: Witness
) -> None:
    """Let no vote up to now count for a source."""
    key = {"tenant_id": tenant_id, "kind": kind, "source_id": source_id}
    again = {"reset_at": func.now(), "actor": by}
    statement = insert(SourceReset).values(**key, actor=by)
    async with database.as_tenant(tenant_id) as session:
        await session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=again))
        await witness(session, tenant_id, 1)


async def count_again(database: Database, tenant_id: UUID, *, kind: str, source_id: str, witness: Witness) -> None:
    """Let all votes count again."""
    is_it = (
        col(SourceReset.tenant_id) == tenant_id,
        col(SourceReset.kind) == kind,
        col(SourceReset.source_id) == source_id,
    )
    async with database.as_tenant(tenant_id) as session:
        await session.execute(delete(SourceReset).where(*is_it))
        await witness(session, tenant_id, 1)
