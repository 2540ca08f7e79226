"""Stores a tenant's tickets, articles and assets, and how far the sync has read them.

Invariant: storing the same item twice changes nothing and indexes nothing. Of two versions of an item the one that was
updated later stays, in whichever order they are stored. All functions work in the caller's transaction, so a batch and
the cursor after it are stored together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Text, all_, delete, func, literal, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import SQLModel, col, select

from app.core.article import FILE_MARK, Article
from app.core.asset import Asset
from app.core.fixes import tells_a_fix
from app.core.reading.mail import own_words
from app.core.reading.text import tidy
from app.core.tenant import Language
from app.core.ticket import Fate, Ticket
from app.db.knowledge.cursors import Cursor, CursorKind
from app.db.knowledge.documents import ARTICLES, TICKETS, DocumentKind
from app.db.knowledge.indexing import TABLES, drop_documents, index_documents, lock_index
from app.db.knowledge.inventory import names_of, owner_key
from app.db.knowledge.linking import drop_links, keep_links
from app.db.tables import ArticleRow, AssetAddress, AssetName, AssetRow, SyncCursor, TicketRow

# Fields that only decide whether and for which tenant an item is stored, or are stored elsewhere.
_NOT_STORED: Final = frozenset({"fate", "account", "accounts", "site", "site_id", "is_vip", "linked_to", "assets"})


class _Known(Protocol):
    @property
    def id(self) -> str: ...


SomeKnown = TypeVar("SomeKnown", bound=_Known)


def _upsert(table: type[SQLModel], known: type[Article | Asset | Ticket]) -> ReturningInsert[str]:
    """The statement that stores items of the type *known* in *table*; it returns the ids that were new or changed.

    The version that was updated later stays; without a time, and of a file, whose date is what it says of itself, the
    one that is stored last. An unchanged row is not written.
    """
    mine: Any = table
    statement = insert(table)
    new = statement.excluded
    columns = [name for name in table.model_fields if name in {*known.model_fields, "owner_key", "is_open"} - {"id"}]
    is_changed = tuple_(*(getattr(mine, name) for name in columns)).is_distinct_from(
        tuple_(*(new[name] for name in columns))
    )
    return statement.on_conflict_do_update(
        index_elements=["tenant_id", "id"],
        set_={name: new[name] for name in columns},
        where=is_changed & (func.coalesce(new.updated_at >= mine.updated_at, true()) | mine.id.startswith(FILE_MARK)),
    ).returning(mine.id)


_UPSERT_TICKETS: Final = _upsert(TicketRow, Ticket)
_UPSERT_ARTICLES: Final = _upsert(ArticleRow, Article)
_UPSERT_ASSETS: Final = _upsert(AssetRow, Asset)


async def upsert_tickets(
    session: AsyncSession, tenant_id: UUID, tickets: Iterable[Ticket], *, language: Language
) -> int:
    """Store *tickets*; those that are resolved and say how become searchable, those that are gone are removed.

    Returns how many were new or changed.
    """
    await lock_index(session, tenant_id, TICKETS, language=language)
    latest = _distinct(tickets)
    gone = [ticket.id for ticket in latest if ticket.fate.is_gone]
    if gone:
        await drop_stored(session, tenant_id, TICKETS, gone, language=language)
    kept = [
        {**_row(tenant_id, _with_fix(ticket)), "is_open": ticket.fate is Fate.OPEN}
        for ticket in latest
        if not ticket.fate.is_gone
    ]
    changed = await _store(session, _UPSERT_TICKETS, kept)
    if changed:
        await index_documents(session, tenant_id, TICKETS, changed, language=language)
        is_changed = set(changed)
        await keep_links(session, tenant_id, [ticket for ticket in latest if ticket.id in is_changed])
    return len(changed)


def _with_fix(ticket: Ticket) -> Ticket:
    """*ticket*, without a resolution whose writer does not say what was done: no source for a note."""
    return ticket if tells_a_fix(own_words(ticket.resolution)) else ticket.model_copy(update={"resolution": ""})


async def drop_stored(
    session: AsyncSession, tenant_id: UUID, kind: DocumentKind, ids: Collection[str], *, language: Language
) -> int:
    """Remove those of these tickets or articles that are stored. Returns their number."""
    id_ = col(TABLES[kind].id)
    own = select(id_).where(col(TABLES[kind].tenant_id) == tenant_id, id_.in_(ids))
    if not (await session.scalars(own)).all():
        return 0
    await lock_index(session, tenant_id, kind, language=language)
    stored = (await session.scalars(own)).all()
    if stored:
        await drop_documents(session, tenant_id, kind, stored, language=language)
        if kind == TICKETS:
            await drop_links(session, tenant_id, stored)
    return len(stored)


async def drop_assets(session: AsyncSession, tenant_id: UUID, ids: Collection[str]) -> int:
    """Remove those of these assets that are stored. Returns their number."""
    is_one = col(AssetRow.tenant_id) == tenant_id, col(AssetRow.id).in_(ids)
    return len((await session.scalars(delete(AssetRow).where(*is_one).returning(col(AssetRow.id)))).all())


async def upsert_articles(
    session: AsyncSession, tenant_id: UUID, articles: Iterable[Article], *, language: Language
) -> int:
    """Store approved *articles*; they become searchable. Returns how many were new or changed."""
    await lock_index(session, tenant_id, ARTICLES, language=language)
    changed = await _store(session, _UPSERT_ARTICLES, [_row(tenant_id, article) for article in _distinct(articles)])
    if changed:
        await index_documents(session, tenant_id, ARTICLES, changed, language=language)
    return len(changed)


async def upsert_assets(session: AsyncSession, tenant_id: UUID, assets: Iterable[Asset]) -> int:
    """Store *assets*; they are found by their addresses, names and owners. Returns how many were new or changed."""
    given = {asset.id: asset for asset in _distinct(assets)}
    rows = [
        {
            **_row(tenant_id, asset),
            "addresses": list(asset.addresses),
            "owner_key": owner_key(asset.owner),
        }
        for asset in given.values()
    ]
    changed = await _store(session, _UPSERT_ASSETS, rows)
    if changed:
        for keys in (AssetAddress, AssetName):
            of_changed = col(keys.tenant_id) == tenant_id, col(keys.asset_id).in_(changed)
            await session.execute(delete(keys).where(*of_changed))
        await _add(
            session,
            AssetAddress,
            [
                {"tenant_id": tenant_id, "asset_id": id_, "address": address}
                for id_ in changed
                for address in set(given[id_].addresses)
            ],
        )
        await _add(
            session,
            AssetName,
            [
                {"tenant_id": tenant_id, "asset_id": id_, "name": name.text, "is_shortened": name.is_shortened}
                for id_ in changed
                for name in names_of(given[id_])
            ],
        )
    return len(changed)


async def drop_absent_articles(
    session: AsyncSession,
    tenant_id: UUID,
    present: Collection[str],
    *,
    language: Language,
    of_files: bool = False,
    unread: Collection[str] = (),
) -> int:
    """Remove the articles whose id is not in *present*, the ids of a complete listing. Returns their number.

    *of_files*: The listing is of the tenant's files, which no listing of the help desk holds. *unread*: what the ids
    begin with of which nobody knows whether they are there.
    """
    await lock_index(session, tenant_id, ARTICLES, language=language)
    is_file = col(ArticleRow.id).startswith(FILE_MARK)
    is_listed = is_file if of_files else ~is_file
    is_gone = ArticleRow.tenant_id == tenant_id, is_listed, _is_none_of(present, ArticleRow.id)
    absent = (await session.scalars(select(ArticleRow.id).where(*is_gone))).all()
    gone = [id_ for id_ in absent if not id_.startswith(tuple(unread))]
    if gone:
        await drop_documents(session, tenant_id, ARTICLES, gone, language=language)
    return len(gone)


async def drop_absent_assets(session: AsyncSession, tenant_id: UUID, present: Collection[str]) -> int:
    """Remove the assets whose id is not in *present*, the ids of a complete listing. Returns their number."""
    is_gone = col(AssetRow.tenant_id) == tenant_id, _is_none_of(present, AssetRow.id)
    return len((await session.scalars(delete(AssetRow).where(*is_gone).returning(col(AssetRow.id)))).all())


async def save_cursor(session: AsyncSession, tenant_id: UUID, kind: CursorKind, cursor: Cursor) -> None:
    """Move the cursor of *kind* forward. A time that is None or earlier changes nothing.

    So two syncs of one tenant may run at the same time.
    """
    times = {"seen_up_to": cursor.seen_up_to, "listed_at": cursor.listed_at}
    statement = insert(SyncCursor).values(tenant_id=tenant_id, kind=kind, **times)
    later = {name: func.greatest(getattr(SyncCursor, name), statement.excluded[name]) for name in times}
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "kind"], set_=later))


async def _store(session: AsyncSession, statement: ReturningInsert[str], rows: Sequence[dict[str, Any]]) -> list[str]:
    """Store *rows*; returns the ids that were new or changed."""
    if not rows:
        return []
    # Sorted, so that two writers lock rows in the same order and can't deadlock.
    ordered = sorted(rows, key=lambda row: str(row["id"]))
    return list((await (await session.connection()).scalars(statement, ordered)).all())


async def _add(session: AsyncSession, table: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await (await session.connection()).execute(insert(table), rows)


def _row(tenant_id: UUID, known: Article | Asset | Ticket) -> dict[str, Any]:
    """The row for *known*.

    Adapters return plain text. It is cleaned once more, since one NUL or half a surrogate would fail the whole batch.
    """
    kept = type(known).model_fields.keys() - _NOT_STORED
    values = ((name, getattr(known, name)) for name in kept)
    return {"tenant_id": tenant_id} | {name: tidy(value) if isinstance(value, str) else value for name, value in values}


def _is_none_of(ids: Collection[str], column: str) -> ColumnElement[bool]:
    """The condition that *column* is none of *ids*. As one array: there may be more ids than a statement takes parameters."""
    return col(column) != all_(literal(list(ids), ARRAY(Text)))


def _distinct(rows: Iterable[SomeKnown]) -> list[SomeKnown]:
    """Each id once, with its last item: one statement can't change a row twice."""
    return list({row.id: row for row in rows}.values())
