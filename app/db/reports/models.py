"""How each tenant's model was asked and what it told of itself, by the newest notes: a few rows through their index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from app.core.completion import Option
from app.db.reports.each import ask_each
from app.db.session import Database, Transaction
from app.db.sql import Statement, load
from app.db.sqlalchemy_sessions import load_text

_LATEST: Final = load_text(__package__, "latest_answer")
_ESTIMATED: Final = load(__package__, "estimated_models")
_UNPRICED: Final = load(__package__, "unpriced_models")


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
    async def read(tx: Transaction, tenant_id: UUID) -> list[tuple[UUID, str]]:
        rows = await tx.rows(statement, tenant_id=tenant_id, since=since, until=until)
        return [(tenant_id, row["model"]) for row in rows]

    return frozenset(each for own in await ask_each(database, tenant_ids, read) for each in own)
