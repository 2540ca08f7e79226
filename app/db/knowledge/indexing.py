"""The search index: which term occurs in which document, kept in step with the documents by `index.sql`.

Invariant: for each kind of a tenant, `posting`, `term` and `corpus` tell exactly what the rows of `ticket` or `article`
hold in `terms`, `frequencies` and `length`: they change in the transaction that changes those, and writers of one kind
lock its row of `corpus`, so one writes at a time. A document whose indexed text did not change costs no write.

A ticket is indexed when it is resolved and has a resolution, an article always; by its writer's own words first, not by
signatures and disclaimers. Which terms a text has says `reading`.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, and_, any_, bindparam, delete, literal, true, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app.core.reading.mail import split_mail
from app.core.tenant import Language
from app.db.knowledge.documents import DocumentKind
from app.db.knowledge.reading import CONFIGURATIONS, MAX_TERM_CHARS, read, spoken_languages
from app.db.sqlalchemy_sessions import load_text
from app.db.tables import ArticleRow, Corpus, Term, TermOccurrence, TicketRow

# Changes with the rules of index.sql, `reading` and `core.reading.mail`, and has every document indexed anew by the next sync.
_VERSION: Final = "3"
# What follows of a field is a log or a mail's history.
_MAX_FIELD_CHARS: Final = 32_000
# What an occurrence is worth, as chosen in bench/retrieval.md. What a mail quotes counts as a resolution does.
_HEADING, _BODY, _REST = 3.0, 1.0, 0.5
_BATCH: Final = 200

_INDEX: Final = load_text(__package__, "index")

TABLES: Final[Mapping[DocumentKind, type[TicketRow | ArticleRow]]] = {"ticket": TicketRow, "article": ArticleRow}


async def lock_index(session: AsyncSession, tenant_id: UUID, kind: DocumentKind, *, language: Language) -> str:
    """Lock the tenant's index of this kind until the end of the transaction. To be called before a row is changed.

    If a transaction changed rows first and then waited for this lock, its holder could be waiting for those rows: a
    deadlock.

    Returns:
        The configuration (language and version) with which the tenant's documents are indexed now.
    """
    begin = insert(Corpus).values(tenant_id=tenant_id, kind=kind, configuration=_mark(language))
    await session.execute(begin.on_conflict_do_nothing())
    lock = select(Corpus.configuration).where(Corpus.tenant_id == tenant_id, Corpus.kind == kind)
    configuration: str = (await session.execute(lock.with_for_update())).scalar_one()
    return configuration


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
    documents = await _changed(session, tenant_id, kind, ids, language=language, keep=keep)
    if not documents:
        return
    values = {
        "tenant_id": tenant_id,
        "kind": kind,
        "documents": json.dumps(documents),
        "ids": [document["id"] for document in documents],
        "max_term_chars": MAX_TERM_CHARS,
    }
    gone = (await session.execute(_INDEX, values)).mappings().all()
    if gone:
        forget = delete(TermOccurrence).where(
            col(TermOccurrence.tenant_id) == tenant_id,
            col(TermOccurrence.kind) == kind,
            col(TermOccurrence.term) == bindparam("term"),
            col(TermOccurrence.document) == bindparam("document"),
        )
        await (await session.connection()).execute(forget, [dict(posting) for posting in gone])
        await _forget_terms(session, tenant_id, kind, among=sorted({posting["term"] for posting in gone}))


async def _changed(
    session: AsyncSession, tenant_id: UUID, kind: DocumentKind, ids: Sequence[str], *, language: Language, keep: bool
) -> list[dict[str, Any]]:
    """Of these documents, as `index.sql` takes them, those that are indexed otherwise than they should be."""
    row: Any = TABLES[kind]
    texts: tuple[Any, ...] = (
        (row.title, row.text, literal("")) if row is ArticleRow else (row.subject, row.description, row.resolution)
    )
    is_searchable: Any = true() if row is ArticleRow else and_(row.resolved_at.is_not(None), row.resolution != "")
    stored = select(row.id, row.indexed_digest, is_searchable, *texts).where(
        row.tenant_id == tenant_id, row.id == any_(literal(ids, ARRAY(Text)))
    )
    documents: list[dict[str, Any]] = []
    for id_, old_digest, is_kept, *contents in await session.execute(stored):
        digest = _digest(language, contents) if keep and is_kept else None
        if digest != old_digest:
            documents.append({"id": id_, **_document(digest, language, contents)})
    return documents


def _digest(language: Language, texts: Sequence[str]) -> bytes:
    return hashlib.sha256("\x1f".join([_mark(language), *texts]).encode()).digest()


def _document(digest: bytes | None, language: Language, texts: Sequence[str]) -> dict[str, Any]:
    if digest is None:
        return {"digest": None}
    heading, body, resolution = texts
    mail, answer = split_mail(body), split_mail(resolution)
    own = mail.own or mail.quoted
    quoted = mail.quoted if mail.own else ""
    fields = [
        (read(text[:_MAX_FIELD_CHARS]), weight)
        for text, weight in (
            *((heading, _HEADING), (own, _BODY)),
            *((quoted, _REST), (f"{answer.own}\n{answer.quoted}", _REST)),
        )
        if text.strip()
    ]
    terms: defaultdict[str, float] = defaultdict(float)
    for reading, weight in fields:
        for own_term in reading.terms:
            terms[own_term.term] += weight
    return {
        "digest": digest.hex(),
        "configurations": [
            CONFIGURATIONS[code] for code in spoken_languages(f"{heading}\n{own}\n{answer.own}", language=language)
        ],
        "fields": [{"content": reading.words, "weight": weight} for reading, weight in fields],
        "terms": terms,
    }


async def drop_documents(
    session: AsyncSession, tenant_id: UUID, kind: DocumentKind, ids: Sequence[str], *, language: Language
) -> None:
    """Delete these rows of *kind*'s table and their entries in the index. The caller holds `lock_index`."""
    await index_documents(session, tenant_id, kind, ids, language=language, keep=False)
    is_one = col(TABLES[kind].id) == any_(literal(ids, ARRAY(Text)))
    await session.execute(delete(TABLES[kind]).where(col(TABLES[kind].tenant_id) == tenant_id, is_one))


async def index_next(
    session: AsyncSession, tenant_id: UUID, kind: DocumentKind, *, after: str, language: Language
) -> str | None:
    """Index the next batch of documents, in order of id, that were indexed in another language or by older rules.

    Returns the id to continue *after* ("" to begin); None when all are done.
    """
    await lock_index(session, tenant_id, kind, language=language)
    id_ = col(TABLES[kind].id)
    following = select(id_).where(col(TABLES[kind].tenant_id) == tenant_id, id_ > after).order_by(id_).limit(_BATCH)
    ids = (await session.scalars(following)).all()
    if ids:
        await index_documents(session, tenant_id, kind, ids, language=language)
        return ids[-1]
    done = update(Corpus).where(col(Corpus.tenant_id) == tenant_id, col(Corpus.kind) == kind)
    await session.execute(done.values(configuration=_mark(language)))
    await _forget_terms(session, tenant_id, kind)
    return None


async def is_indexed_otherwise(
    session: AsyncSession, tenant_id: UUID, kind: DocumentKind, *, language: Language
) -> bool:
    """Whether documents may be indexed in another language or by older rules, so that `index_next` must run."""
    return await lock_index(session, tenant_id, kind, language=language) != _mark(language)


async def _forget_terms(
    session: AsyncSession, tenant_id: UUID, kind: DocumentKind, *, among: Sequence[str] | None = None
) -> None:
    """Delete those of these terms (None: of all) that no document holds any more."""
    unused = col(Term.tenant_id) == tenant_id, col(Term.kind) == kind, col(Term.documents) <= 0
    one = true() if among is None else col(Term.term) == any_(literal(among, ARRAY(Text)))
    await session.execute(delete(Term).where(*unused, one))


def _mark(language: Language) -> str:
    return f"{CONFIGURATIONS[language]} {_VERSION}"
