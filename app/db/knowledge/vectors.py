"""The vectors of resolved tickets, in the table `ticket_vector`, where the database has pgvector.

Invariant: a vector is compared with those of its own model alone. A row goes with its ticket, by its key, and is made anew
when the ticket's text changed.

The index of vectors (HNSW) holds all tenants' vectors, and PostgreSQL leaves out what is not the tenant's while it reads it.
Of a tenant that has few of all vectors it would read a large part of the index and might stop before it has enough. So up to
`EXACT` tickets the tenant's own rows are compared one by one, which is exact; above that, the index is read on (`iterative
scan`) until there are enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.core.vectors import TicketVectors
from app.db.session import Database, Transaction
from app.db.sql import load, numbered

NO_TABLE: Final = (
    "the database has no table for vectors: as its master user run `create extension vector`, then `ai-agents migrate`"
)

# Of rank.sql; bench/retrieval.md says how they were chosen. So that a fit means about what it means by words alone.
VECTOR_WEIGHTS: Final = {"by_words": 0.6, "by_text": 0.2, "text_from": 0.1}
CLOSENESS: Final = (
    "(select document, 1 - (text <=> cast(cast(:text as real[]) as halfvec)) as closeness from ticket_vector"
    " where tenant_id = :tenant_id and model = :model and document = any(array(select document from every)))"
)
NO_CLOSENESS: Final = "(select cast(null as bigint) as document, cast(null as float8) as closeness where false)"

# A row costs 2 µs of CPU, whoever's; the index reads about as many rows as 20 of the tenant's are among, at 1 µs.
EXACT: Final = 3_000
_NEAREST: Final = 20
_FARTHEST: Final = 0.6
_MAX_CHARS: Final = 4_000
_LAST: Final = 2**63 - 1

_HAS_VECTORS: Final = load(__package__, "has_vectors")
_COMPARED: Final = load(
    __package__, "nearest_titles", distance="(title <=> cast(cast(:title as real[]) as halfvec)) + 0"
)
_INDEXED: Final = load(__package__, "nearest_titles", distance="title <=> cast(cast(:title as real[]) as halfvec)")
_READ_ON: Final = numbered(
    "select set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', '100', true)"
)
_WITHOUT: Final = load(__package__, "without_vectors")
_KEEP: Final = load(__package__, "keep_vectors")


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A ticket that has no vectors yet."""

    document: int
    subject: str
    description: str
    """Its beginning."""
    digest: bytes
    """Tells its text."""


async def has_table(database: Database) -> bool:
    """Whether the database has the table for vectors."""
    async with database.transaction(None) as tx:
        row = await tx.row(_HAS_VECTORS, tenant_id=UUID(int=0))
    return bool(row and row["has_table"])


async def find_nearest(
    tx: Transaction, tenant_id: UUID, vectors: TicketVectors, *, exact_up_to: int = EXACT
) -> list[int] | None:
    """The documents of the tickets whose titles are nearest, the nearest first; None: there is no table."""
    known = await tx.row(_HAS_VECTORS, tenant_id=tenant_id)
    if known is None or not known["has_table"]:
        return None
    is_large = known["documents"] > exact_up_to
    if is_large:
        await tx.run(_READ_ON)
    rows = await tx.rows(
        _INDEXED if is_large else _COMPARED,
        tenant_id=tenant_id,
        model=vectors.model,
        title=vectors.title,
        limit=_NEAREST,
        farthest=_FARTHEST,
    )
    return [row["document"] for row in rows]


async def next_without(
    database: Database, tenant_id: UUID, *, model: str, before: int | None, limit: int
) -> list[Unembedded]:
    """The next resolved tickets without vectors of *model*, the last stored first.

    *before*: The document of the last one that was returned before; None: from the beginning.
    """
    async with database.transaction(tenant_id) as tx:
        rows = await tx.rows(
            _WITHOUT,
            tenant_id=tenant_id,
            model=model,
            before=_LAST if before is None else before,
            limit=limit,
            max_chars=_MAX_CHARS,
        )
    return [Unembedded(**row) for row in rows]


async def keep_vectors(
    database: Database, tenant_id: UUID, made: list[tuple[Unembedded, TicketVectors | None]], *, model: str
) -> None:
    """Store what was *made* of each ticket; None: *model* makes nothing of it."""
    async with database.transaction(tenant_id) as tx:
        for ticket, vectors in made:
            await tx.run(
                _KEEP,
                tenant_id=tenant_id,
                document=ticket.document,
                model=model,
                digest=ticket.digest,
                title=vectors and vectors.title,
                text=vectors and vectors.text,
            )
