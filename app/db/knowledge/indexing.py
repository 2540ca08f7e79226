"""The search index: which term occurs in which document, kept in step with the documents by `index.sql`.

Invariant: for each kind of a tenant, `posting`, `term` and `corpus` tell exactly what the rows of `ticket` or `article`
hold in `terms`, `frequencies` and `length`: they change in the transaction that changes those, and writers of one kind
lock its row of `corpus`, so one writes at a time. A document whose indexed text did not change costs no write.

A ticket is indexed when it is resolved and has a resolution, an article always. Terms are the lexemes of PostgreSQL's
`to_tsvector`, so the language of the tenant's notes decides on stems and stop words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Text, any_, bindparam, delete, literal, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app.core.tenant import Language
from app.db.sql import load
from app.db.tables import ArticleRow, Corpus, Term, TermOccurrence, TicketRow

CONFIGURATIONS: Final[dict[Language, str]] = {"en": "english", "de": "german", "fr": "french", "es": "spanish"}
"""PostgreSQL's text search configuration for each language of a note."""

# Increase it when the rules of index.sql change: then the next sync indexes every document again.
_VERSION: Final = "1"
# Longer terms are keys, hashes and encoded attachments, which don't occur in a second text.
MAX_TERM_CHARS: Final = 40
_BATCH: Final = 200

_INDEX: Final = load(__package__, "index")


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A kind of document, and the table that holds it."""

    name: str
    """The value of the column `posting.kind`."""
    table: type[TicketRow | ArticleRow]


TICKETS: Final = DocumentKind("ticket", TicketRow)
ARTICLES: Final = DocumentKind("article", ArticleRow)


async def lock_index(session: AsyncSession, tenant_id: UUID, kind: DocumentKind, *, language: Language) -> str:
    """Lock the tenant's index of this kind until the end of the transaction. To be called before a row is changed.

    If a transaction changed rows first and then waited for this lock, its holder could be waiting for those rows: a
    deadlock.

    Returns:
        The configuration (language and version) with which the tenant's documents are indexed now.
    """
    begin = insert(Corpus).values(tenant_id=tenant_id, kind=kind.name, configuration=_mark(language))
    await session.execute(begin.on_conflict_do_nothing())
    lock = select(Corpus.configuration).where(Corpus.tenant_id == tenant_id, Corpus.kind == kind.name)
    return (await session.execute(lock.with_for_update())).scalar_one()


async def index_documents(
    session: AsyncSession,
    tenant_id: UUID,
    kind: DocumentKind,
    ids: Sequence[str],
    *,
    language: Language,
    keep: bool = True,
) -> None:
    """Update the index for these rows of *kind*'s table. The caller holds `lock_index`.

    *keep*: False removes them from the index.
    """
    values = {
        "tenant_id": tenant_id,
        "kind": kind.name,
        "ids": ids,
        "keep": keep,
        "version": _VERSION,
        "configuration": CONFIGURATIONS[language],
        "max_term_chars": MAX_TERM_CHARS,
    }
    gone = (await session.execute(_INDEX, values)).mappings().all()
    if gone:
        forget = delete(TermOccurrence).where(
            col(TermOccurrence.tenant_id) == tenant_id,
            col(TermOccurrence.kind) == kind.name,
            col(TermOccurrence.term) == bindparam("term"),
            col(TermOccurrence.document) == bindparam("document"),
        )
        await (await session.connection()).execute(forget, [dict(posting) for posting in gone])


async def drop_documents(
    session: AsyncSession, tenant_id: UUID, kind: DocumentKind, ids: Sequence[str], *, language: Language
) -> None:
    """Delete these rows of *kind*'s table and their entries in the index. The caller holds `lock_index`."""
    await index_documents(session, tenant_id, kind, ids, language=language, keep=False)
    is_one = col(kind.table.id) == any_(literal(ids, ARRAY(Text)))
    await session.execute(delete(kind.table).where(col(kind.table.tenant_id) == tenant_id, is_one))
    await _forget_terms(session, tenant_id, kind)


async def index_next(
    session: AsyncSession, tenant_id: UUID, kind: DocumentKind, *, after: str, language: Language
) -> str | None:
    """Index the next batch of documents, in order of id, that were indexed in another language or by older rules.

    Args:
        session: A transaction of the tenant.
        tenant_id: The same tenant.
        kind: Of which documents.
        after: The id that the last call returned; "" to begin.
        language: The tenant's.

    Returns:
        The id to continue after; None when all are done.
    """
    await lock_index(session, tenant_id, kind, language=language)
    id_ = col(kind.table.id)
    following = select(id_).where(col(kind.table.tenant_id) == tenant_id, id_ > after).order_by(id_).limit(_BATCH)
    ids = (await session.scalars(following)).all()
    if ids:
        await index_documents(session, tenant_id, kind, ids, language=language)
        return ids[-1]
    done = update(Corpus).where(col(Corpus.tenant_id) == tenant_id, col(Corpus.kind) == kind.name)
    await session.execute(done.values(configuration=_mark(language)))
    await _forget_terms(session, tenant_id, kind)
    return None


async def is_indexed_otherwise(
    session: AsyncSession, tenant_id: UUID, kind: DocumentKind, *, language: Language
) -> bool:
    """Whether documents may be indexed in another language or by older rules, so that `index_next` must run."""
    return await lock_index(session, tenant_id, kind, language=language) != _mark(language)


async def _forget_terms(session: AsyncSession, tenant_id: UUID, kind: DocumentKind) -> None:
    """Delete the terms that no document holds any more."""
    is_unused = col(Term.documents) <= 0
    await session.execute(delete(Term).where(col(Term.tenant_id) == tenant_id, col(Term.kind) == kind.name, is_unused))


def _mark(language: Language) -> str:
    return f"{CONFIGURATIONS[language]} {_VERSION}"
