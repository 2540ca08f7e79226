"""The search index: which term occurs in which document, kept in step with the documents by SQL alone.

Invariant: for each kind of a tenant, `posting`, `term` and `corpus` tell exactly what the rows of `ticket` or `article`
hold in `terms`, `frequencies` and `length`: they change in the transaction that changes those, and writers of one kind
take turns on its row of `corpus`. A document whose indexed text is as before costs no write.

A ticket is indexed when it is resolved and has a resolution, an article always. Terms are the lexemes of PostgreSQL's
`to_tsvector`, so a note's language decides on stems and stop words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.tenant import Language

CONFIGURATIONS: Final[dict[Language, str]] = {"en": "english", "de": "german", "fr": "french", "es": "spanish"}
"""PostgreSQL's text search configuration for each language of a note."""

# Changes with the weights or the SQL below, and has every document indexed anew by the next sync.
_VERSION: Final = "1"
# Of one field: to_tsvector takes 1 MiB at most, and what follows so many words is a log or a mail's history.
_MAX_FIELD_CHARS: Final = 32_000
# Longer ones are keys, hashes and encoded attachments, which no other text repeats.
MAX_TERM_CHARS: Final = 40
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: its table, and what of a row counts how much."""

    name: str
    """As in `posting.kind`; the table's name too."""
    weights: dict[str, float]
    """Columns, and how many occurrences in a body one occurrence there is worth."""
    condition: str = "true"
    """Which rows are in the index."""


# Weights were chosen in bench/retrieval.md.
TICKETS: Final = Kind(
    "ticket",
    {"subject": 3.0, "description": 1.0, "resolution": 0.5},
    condition="resolved_at is not null and resolution <> ''",
)
ARTICLES: Final = Kind("article", {"title": 3.0, "text": 1.0})

_BEGIN_CORPUS: Final = text("""
insert into corpus (tenant_id, kind, configuration) values (:tenant_id, :kind, :configuration)
on conflict (tenant_id, kind) do nothing
""")
_LOCK_CORPUS: Final = text("select configuration from corpus where tenant_id = :tenant_id and kind = :kind for update")
_FIND_BATCH: Final = "select id from {table} where tenant_id = :tenant_id and id > :after order by id limit :limit"
_SET_CONFIGURATION: Final = text(
    "update corpus set configuration = :configuration where tenant_id = :tenant_id and kind = :kind"
)

# `wanted`: what each row should be indexed by (null: not at all); `stale`: the rows where that is not so yet.
# A term that stays in a document costs no write of its posting, so a changed document costs what changed.
# Rows are changed by `ctid`, which only the holder of the lock may do: joined by their key, they would be looked for
# all through a table that has grown since PostgreSQL last counted it.
_INDEX: Final = """
with wanted as (
    select ctid as place, document, terms, length, indexed_digest, {columns},
        case when {condition} then sha256(convert_to(
            concat_ws(E'\\x1f', cast(:version as text), cast(:configuration as text), {columns}), 'UTF8'
        )) end as digest
    from {table}
    where tenant_id = :tenant_id and id = any(:ids)
), stale as (
    select * from wanted where indexed_digest is distinct from digest
), fresh as (
    select document, lexeme as term, sum(weight * cardinality(positions))::real as frequency
    from stale
    cross join lateral (values {fields}) field (content, weight)
    cross join lateral unnest(to_tsvector(cast(cast(:configuration as text) as regconfig), left(content, {max_chars})))
    where digest is not null and length(lexeme) <= {max_term_chars}
    group by document, lexeme
), old as (
    select document, unnest(terms) as term from stale
), gone as (
    select * from old except select document, term from fresh
), come as (
    select document, term from fresh except select * from old
), removed as (
    delete from posting where ctid = any(array(
        select p.ctid from gone cross join lateral (
            select ctid from posting
            where tenant_id = :tenant_id and kind = '{table}' and term = gone.term and document = gone.document
            offset 0
        ) p
    ))
), added as (
    insert into posting (tenant_id, kind, term, document)
    select :tenant_id, '{table}', term, document from come order by term, document
), counted as (
    insert into term (tenant_id, kind, term, documents)
    select :tenant_id, '{table}', term, sum(change)
    from (select term, 1 as change from come union all select term, -1 from gone) changed
    group by term having sum(change) <> 0 order by term
    on conflict (tenant_id, kind, term) do update set documents = term.documents + excluded.documents
), written as (
    update {table} d
    set terms = coalesce(f.terms, '{{}}'), frequencies = coalesce(f.frequencies, '{{}}'),
        length = coalesce(f.length, 0), indexed_digest = s.digest
    from stale s
    left join (
        select document, array_agg(term order by term) as terms, array_agg(frequency order by term) as frequencies,
            sum(frequency) as length
        from fresh group by document
    ) f using (document)
    where d.ctid = s.place
    returning d.length - s.length as added_length,
        (d.indexed_digest is not null)::int - (s.indexed_digest is not null)::int as added_documents
), summed as (
    update corpus c set documents = c.documents + added.documents, total_length = c.total_length + added.length
    from (select sum(added_documents) as documents, sum(added_length) as length from written) added
    where c.tenant_id = :tenant_id and c.kind = '{table}' and added.documents is not null
)
select count(*) from written
"""
_DROP: Final = """
with gone as (
    delete from {table} where tenant_id = :tenant_id and id = any(:ids)
    returning document, terms, length, indexed_digest
), lost as (
    select document, unnest(terms) as term from gone
), removed as (
    delete from posting where ctid = any(array(
        select p.ctid from lost cross join lateral (
            select ctid from posting
            where tenant_id = :tenant_id and kind = '{table}' and term = lost.term and document = lost.document
            offset 0
        ) p
    ))
), counted as (
    insert into term (tenant_id, kind, term, documents)
    select :tenant_id, '{table}', term, -count(*) from lost group by term order by term
    on conflict (tenant_id, kind, term) do update set documents = term.documents + excluded.documents
), summed as (
    update corpus c set documents = c.documents - dropped.documents, total_length = c.total_length - dropped.length
    from (select count(indexed_digest) as documents, coalesce(sum(length), 0) as length from gone) dropped
    where c.tenant_id = :tenant_id and c.kind = '{table}'
)
select count(*) from gone
"""
_FORGET_TERMS: Final = text("delete from term where tenant_id = :tenant_id and kind = :kind and documents <= 0")


def _compose(sql: str, kind: Kind) -> TextClause:
    """*sql* for the table of *kind*; nothing but constants of this module goes in."""
    return text(
        sql.format(
            table=kind.name,
            condition=kind.condition,
            columns=", ".join(kind.weights),
            fields=", ".join(f"({column}, {weight})" for column, weight in kind.weights.items()),
            max_chars=_MAX_FIELD_CHARS,
            max_term_chars=MAX_TERM_CHARS,
        )
    )


_STATEMENTS: Final = {
    kind.name: {sql: _compose(sql, kind) for sql in (_INDEX, _DROP, _FIND_BATCH)} for kind in (TICKETS, ARTICLES)
}


async def lock_index(session: AsyncSession, tenant_id: UUID, kind: Kind, *, language: Language) -> None:
    """Wait for one's turn to write, until the end of the transaction. To be called before a row is changed.

    Whoever changed rows first and waited then could wait for one that waits for those rows.
    """
    await _lock(session, tenant_id, kind, language)


async def index_documents(
    session: AsyncSession, tenant_id: UUID, kind: Kind, ids: Sequence[str], *, language: Language
) -> int:
    """Bring the index in step with these rows of *kind*'s table, under `lock_index`.

    Returns:
        How many it had to index or take out.
    """
    return await _index(session, tenant_id, kind, ids, configuration=CONFIGURATIONS[language])


async def drop_documents(session: AsyncSession, tenant_id: UUID, kind: Kind, ids: Sequence[str]) -> int:
    """Delete these rows of *kind*'s table, and what the index knows of them, under `lock_index`.

    Returns:
        How many there were.
    """
    dropped = await session.execute(_STATEMENTS[kind.name][_DROP], {"tenant_id": tenant_id, "ids": list(ids)})
    await session.execute(_FORGET_TERMS, {"tenant_id": tenant_id, "kind": kind.name})
    return int(dropped.scalar_one())


async def index_next(
    session: AsyncSession, tenant_id: UUID, kind: Kind, *, after: str, language: Language
) -> str | None:
    """Index the documents next in order of id, where they were indexed otherwise: in another language, by older rules.

    Args:
        session: A transaction of the tenant.
        tenant_id: The same tenant.
        kind: Of which documents.
        after: Where the last call ended; "" to begin.
        language: The tenant's.

    Returns:
        Where to go on; None when all are done.
    """
    await _lock(session, tenant_id, kind, language)
    key = {"tenant_id": tenant_id, "after": after, "limit": _BATCH}
    ids = list((await session.scalars(_STATEMENTS[kind.name][_FIND_BATCH], key)).all())
    if ids:
        await _index(session, tenant_id, kind, ids, configuration=CONFIGURATIONS[language])
        return str(ids[-1])
    key = {"tenant_id": tenant_id, "kind": kind.name}
    await session.execute(_SET_CONFIGURATION, {**key, "configuration": _mark(language)})
    await session.execute(_FORGET_TERMS, key)
    return None


async def is_indexed_otherwise(session: AsyncSession, tenant_id: UUID, kind: Kind, *, language: Language) -> bool:
    """Whether documents may be in the index by another language or by older rules, so that `index_next` is due."""
    return await _lock(session, tenant_id, kind, language) != _mark(language)


async def _lock(session: AsyncSession, tenant_id: UUID, kind: Kind, language: Language) -> str:
    """By what all was indexed."""
    key = {"tenant_id": tenant_id, "kind": kind.name}
    await session.execute(_BEGIN_CORPUS, {**key, "configuration": _mark(language)})
    return str((await session.execute(_LOCK_CORPUS, key)).scalar_one())


async def _index(session: AsyncSession, tenant_id: UUID, kind: Kind, ids: Sequence[str], *, configuration: str) -> int:
    values: dict[str, Any] = {
        "tenant_id": tenant_id,
        "ids": list(ids),
        "version": _VERSION,
        "configuration": configuration,
    }
    return int((await session.execute(_STATEMENTS[kind.name][_INDEX], values)).scalar_one())


def _mark(language: Language) -> str:
    return f"{CONFIGURATIONS[language]} {_VERSION}"
