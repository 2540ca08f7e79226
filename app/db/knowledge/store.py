"""What is known of a tenant besides its deliveries: tickets, articles, assets, and how far they were read.

Invariant: storing the same thing twice changes nothing and indexes nothing; of two versions of a ticket, article or
asset the later one stays, whichever comes last. All functions work in the caller's transaction, so a batch and the
cursor that says it was read are stored together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.article import Article
from app.core.asset import Asset
from app.core.tenant import Language
from app.core.text import tidy
from app.core.ticket import Ticket
from app.db.knowledge.indexing import ARTICLES, TICKETS, drop_documents, index_documents, lock_index
from app.db.knowledge.inventory import names_of, owner_key, unmapped

CursorKind = Literal["tickets", "articles", "assets", "reconciliation"]


class _Known(Protocol):
    @property
    def id(self) -> str: ...


SomeKnown = TypeVar("SomeKnown", bound=_Known)

_TICKET_COLUMNS: Final = (
    *("display_id", "subject", "description", "requester", "category", "status", "priority", "resolution"),
    *("created_at", "updated_at", "resolved_at"),
)
_ARTICLE_COLUMNS: Final = ("title", "text", "is_public", "updated_at")
_ASSET_COLUMNS: Final = (
    *("name", "hostname", "addresses", "role", "location", "owner", "owner_key"),
    "updated_at",
)
_TYPES: Final = {
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
    "resolved_at": "timestamptz",
    "is_public": "boolean",
}


def _upsert(table: str, columns: Sequence[str]) -> TextClause:
    """Rows of *table* from one array for each column.

    The later version stays; where one has no time, the one that comes last. An unchanged row is not written.
    """
    arrays = ", ".join(f"cast(:{column} as {_TYPES.get(column, 'text')}[])" for column in ("id", *columns))
    # An array of arrays must be rectangular: addresses come as text, `{10.0.0.1,::1}`.
    values = ", ".join("cast(addresses as inet[])" if column == "addresses" else column for column in columns)
    mine = ", ".join(f"mine.{column}" for column in columns)
    new = ", ".join(f"excluded.{column}" for column in columns)
    return text(f"""
insert into {table} as mine (tenant_id, id, {", ".join(columns)})
select :tenant_id, id, {values} from unnest({arrays}) given (id, {", ".join(columns)}) order by id
on conflict (tenant_id, id) do update set {", ".join(f"{column} = excluded.{column}" for column in columns)}
where ({mine}) is distinct from ({new}) and coalesce(excluded.updated_at >= mine.updated_at, true)
returning id
""")


_UPSERT_TICKETS: Final = _upsert("ticket", _TICKET_COLUMNS)
_UPSERT_ARTICLES: Final = _upsert("article", _ARTICLE_COLUMNS)
_UPSERT_ASSETS: Final = _upsert("asset", _ASSET_COLUMNS)

_FORGET_KEYS: Final = tuple(
    text(f"delete from {table} where tenant_id = :tenant_id and asset_id = any(:ids)")
    for table in ("asset_address", "asset_name")
)
_ADD_ADDRESSES: Final = text("""
insert into asset_address (tenant_id, address, asset_id)
select distinct tenant_id, unnest(addresses), id from asset where tenant_id = :tenant_id and id = any(:ids)
""")
_ADD_NAMES: Final = text("""
insert into asset_name (tenant_id, name, asset_id, is_shortened)
select :tenant_id, name, asset_id, is_shortened
from unnest(cast(:names as text[]), cast(:ids as text[]), cast(:shortened as boolean[]))
    given (name, asset_id, is_shortened)
""")
_DROP_ASSETS: Final = text("delete from asset where tenant_id = :tenant_id and id = any(:ids)")
_GONE: Final = {
    table: text(f"select id from {table} where tenant_id = :tenant_id and id <> all(:present) order by id")
    for table in ("article", "asset")
}

_LOAD_CURSOR: Final = text(
    "select seen_up_to, listed_at from sync_cursor where tenant_id = :tenant_id and kind = :kind"
)
# Two syncs of one tenant at a time do each other no harm: a cursor only goes forward.
_SAVE_CURSOR: Final = text("""
insert into sync_cursor as mine (tenant_id, kind, seen_up_to, listed_at)
values (:tenant_id, :kind, :seen_up_to, :listed_at)
on conflict (tenant_id, kind) do update set
    seen_up_to = greatest(mine.seen_up_to, excluded.seen_up_to),
    listed_at = greatest(mine.listed_at, excluded.listed_at)
""")


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the reading of one kind got."""

    seen_up_to: datetime | None = None
    """By ServiceDesk Plus's times: what was updated before is stored."""
    listed_at: datetime | None = None
    """By the database's clock: when the last whole listing began."""


async def upsert_tickets(
    session: AsyncSession, tenant_id: UUID, tickets: Iterable[Ticket], *, language: Language
) -> int:
    """Store *tickets*; those that are resolved and say how become searchable. Returns how many were new or changed."""
    rows = _distinct(tickets)
    await lock_index(session, tenant_id, TICKETS, language=language)
    changed = await _store(session, _UPSERT_TICKETS, tenant_id, rows, _TICKET_COLUMNS)
    if changed:
        await index_documents(session, tenant_id, TICKETS, changed, language=language)
    return len(changed)


async def upsert_articles(
    session: AsyncSession, tenant_id: UUID, articles: Iterable[Article], *, language: Language
) -> int:
    """Store approved *articles*; they become searchable. Returns how many were new or changed."""
    rows = _distinct(articles)
    await lock_index(session, tenant_id, ARTICLES, language=language)
    changed = await _store(session, _UPSERT_ARTICLES, tenant_id, rows, _ARTICLE_COLUMNS)
    if changed:
        await index_documents(session, tenant_id, ARTICLES, changed, language=language)
    return len(changed)


async def upsert_assets(session: AsyncSession, tenant_id: UUID, assets: Iterable[Asset]) -> int:
    """Store *assets*; they are found by their addresses, names and owners. Returns how many were new or changed."""
    rows = _distinct(assets)
    changed = await _store(session, _UPSERT_ASSETS, tenant_id, rows, _ASSET_COLUMNS)
    if changed:
        names = [(name, asset.id) for asset in rows if asset.id in set(changed) for name in names_of(asset)]
        key: dict[str, Any] = {"tenant_id": tenant_id, "ids": changed}
        for forget in _FORGET_KEYS:
            await session.execute(forget, key)
        await session.execute(_ADD_ADDRESSES, key)
        await session.execute(
            _ADD_NAMES,
            {
                "tenant_id": tenant_id,
                "names": [name.text for name, _ in names],
                "ids": [asset_id for _, asset_id in names],
                "shortened": [name.is_shortened for name, _ in names],
            },
        )
    return len(changed)


async def drop_absent_articles(
    session: AsyncSession, tenant_id: UUID, present: Collection[str], *, language: Language
) -> int:
    """Remove the articles whose id is not among *present*, a whole listing. Returns how many there were."""
    await lock_index(session, tenant_id, ARTICLES, language=language)
    gone = await _find_gone(session, ARTICLES.name, tenant_id, present)
    return await drop_documents(session, tenant_id, ARTICLES, gone) if gone else 0


async def drop_absent_assets(session: AsyncSession, tenant_id: UUID, present: Collection[str]) -> int:
    """Remove the assets whose id is not among *present*, a whole listing. Returns how many there were."""
    gone = await _find_gone(session, "asset", tenant_id, present)
    if gone:
        await session.execute(_DROP_ASSETS, {"tenant_id": tenant_id, "ids": gone})
    return len(gone)


async def load_cursor(session: AsyncSession, tenant_id: UUID, kind: CursorKind) -> Cursor:
    """How far *kind* was read; an empty cursor when it never was."""
    row = (await session.execute(_LOAD_CURSOR, {"tenant_id": tenant_id, "kind": kind})).one_or_none()
    return Cursor() if row is None else Cursor(seen_up_to=row.seen_up_to, listed_at=row.listed_at)


async def save_cursor(session: AsyncSession, tenant_id: UUID, kind: CursorKind, cursor: Cursor) -> None:
    """Move the cursor of *kind* forward; a time that is None or earlier leaves it where it is."""
    values = {"tenant_id": tenant_id, "kind": kind, "seen_up_to": cursor.seen_up_to, "listed_at": cursor.listed_at}
    await session.execute(_SAVE_CURSOR, values)


async def _find_gone(session: AsyncSession, table: str, tenant_id: UUID, present: Collection[str]) -> list[str]:
    found = await session.scalars(_GONE[table], {"tenant_id": tenant_id, "present": list(present)})
    return [str(gone) for gone in found]


async def _store(
    session: AsyncSession, sql: TextClause, tenant_id: UUID, rows: Sequence[_Known], columns: Sequence[str]
) -> list[str]:
    """The ids that were new or changed."""
    if not rows:
        return []
    values: dict[str, Any] = {column: [_value(row, column) for row in rows] for column in ("id", *columns)}
    return [str(changed) for changed in await session.scalars(sql, {**values, "tenant_id": tenant_id})]


def _value(row: _Known, column: str) -> Any:
    if column == "owner_key":
        return owner_key(getattr(row, "owner", ""))
    value = getattr(row, column)
    if column == "addresses":
        return "{" + ",".join(str(unmapped(address)) for address in value) + "}"
    # Adapters give plain text already; a NUL or half a surrogate that got by would fail the whole batch.
    return tidy(value) if isinstance(value, str) else value


def _distinct(rows: Iterable[SomeKnown]) -> list[SomeKnown]:
    """Each id once, as it came last: one statement can't change a row twice."""
    return list({row.id: row for row in rows}.values())
