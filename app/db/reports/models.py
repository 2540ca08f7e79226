"""How each tenant's model was asked and what it told of itself, by the newest notes: a few rows through their index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from app.core.completion import Option
from app.db.each import ask_each, load_each
from app.db.session import Database, Row
from app.db.sql import Statement
from app.db.sqlalchemy_sessions import load_text

_MOST_NOTES: Final = 2_000
_MOST_NOTES_OF_ONE: Final = 20

_LATEST: Final = load_text(__package__, "latest_answer")
_ESTIMATED: Final = load_each(__package__, "estimated_models")
_UNPRICED: Final = load_each(__package__, "unpriced_models")


@dataclass(frozen=True, slots=True)
class LatestAnswer:
    """The newest note that a model wrote."""

    model: str
    written_at: datetime
    asked_without: tuple[Option, ...]
    """What its endpoint refuses."""
    is_estimated: bool
    """The endpoint does not tell the tokens."""


async def find_latest_answer(database: Database, tenant_id: UUID) -> LatestAnswer | None:
    """The tenant's newest; None: no model wrote one of its newest notes."""
    async with database.as_tenant(tenant_id) as session:
        row = (await session.execute(_LATEST, {"tenant_id": tenant_id})).one_or_none()
    if row is None:
        return None
    refused = tuple(Option(name) for name in row.asked_without or () if name in set(Option))
    return LatestAnswer(row.model, row.written_at, refused, bool(row.is_estimated))


async def list_estimated(
    database: Database, tenant_ids: Sequence[UUID], *, since: date, until: date
) -> frozenset[tuple[UUID, str]]:
    """Each tenant and model whose tokens are partly estimated. Enhancements are kept 90 days: nothing of older ones."""
    return await _list(database, tenant_ids, _ESTIMATED, since=since, until=until)


async def list_unpriced(
    database: Database, tenant_ids: Sequence[UUID], *, since: date, until: date
) -> frozenset[tuple[UUID, str]]:
    """Each tenant and model whose price was not known when it wrote. Of the last 90 days."""
    return await _list(database, tenant_ids, _UNPRICED, since=since, until=until)


async def _list(
    database: Database, tenant_ids: Sequence[UUID], statement: Statement, *, since: date, until: date
) -> frozenset[tuple[UUID, str]]:
    def read(row: Row) -> tuple[UUID, str]:
        return row["tenant_id"], row["model"]

    values = {"since": since, "until": until, "notes": newest_notes(len(tenant_ids))}
    return frozenset(await ask_each(database, tenant_ids, statement, read, **values))


def newest_notes(tenants: int) -> int:
    """How many of each tenant's notes are looked at: what a note holds may be stored apart from its row, and packed."""
    return min(max(_MOST_NOTES // max(tenants, 1), 1), _MOST_NOTES_OF_ONE)
