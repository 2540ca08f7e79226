"""Search over a tenant's resolved tickets and approved articles: BM25 in `rank.sql`, over the index of `indexing`.

Invariant: what a query costs does not grow with the corpus: at most 60 terms are looked up, 5,000 postings read, and 200
documents scored. Only good matches are returned.

    subject, body ─▶ query terms, weighed by rarity ─▶ postings of the most telling ones ─▶ candidates
                                                 candidates' own terms and lengths ─▶ BM25 over all query terms ─▶ best

So candidates are found by rare terms only, while common terms count in their scores. rank.sql has a worked example;
the figures were chosen in bench/retrieval.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.source import Source, SourceKind
from app.core.tenant import Language, Tenant
from app.core.text import one_line, tidy
from app.core.ticket import Ticket
from app.db.knowledge.generic_words import GENERIC_WORDS
from app.db.knowledge.indexing import ARTICLES, CONFIGURATIONS, MAX_TERM_CHARS, TICKETS, DocumentKind
from app.db.knowledge.passage import choose_passage, split_pieces
from app.db.session import Database
from app.db.sql import load
from app.db.tables import ArticleRow, TicketRow

MAX_SOURCE_CHARS: Final = 1_200
_MAX_GIST_CHARS: Final = 350
_MAX_TITLE_CHARS: Final = 200
# The first words of a ticket say what it is about; mail history, signatures and logs come after them.
_MAX_QUERY_CHARS: Final = 8_000
# So much of a found document's text is searched for a passage.
_MAX_PASSAGE_CHARS: Final = 64_000

# Headings of problem and resolution in the text of a similar ticket.
_LABELS: Final[dict[Language, tuple[str, str]]] = {
    "en": ("Problem", "Resolution"),
    "de": ("Problem", "Lösung"),
    "fr": ("Problème", "Solution"),
    "es": ("Problema", "Solución"),
}

MIN_FIT: Final = 0.14
"""A document with a smaller `Match.fit` is not a good match."""
MIN_TERMS: Final = 2

_RANK: Final = load(__package__, "rank")
_FIND_TERMS: Final = load(__package__, "find_terms")


@dataclass(frozen=True, slots=True)
class Match:
    """A ranked document."""

    id: str
    fit: float
    """Its BM25 score, as a share of the most that the query's 12 weightiest terms can give."""
    boost: float
    """Factor for its score by its age: 1 (old, or an article) to 1.5 (a ticket of today)."""
    terms: dict[str, float]
    """The query's terms that it holds, by weight."""
    asked_terms: int
    """How many terms the query has."""

    @property
    def score(self) -> float:
        return min(1.0, self.fit * self.boost)

    @property
    def is_good(self) -> bool:
        """Whether it has enough of the query that a person sees why it is shown: a large fit, and not by one word only."""
        return self.fit >= MIN_FIT and len(self.terms) >= min(MIN_TERMS, self.asked_terms)


class Search:
    """Similar tickets and articles of one tenant, for the ports `History` and `Knowledge`.

    Args:
        database: As the worker's role.
        tenant: The language of its notes decides on stems and stop words.
        ticket_url: The page of a ticket, from its id.
        article_url: The page of an article, from its id.
    """

    def __init__(
        self,
        database: Database,
        tenant: Tenant,
        *,
        ticket_url: Callable[[str], str],
        article_url: Callable[[str], str],
    ) -> None:
        self._database = database
        self._tenant_id = tenant.id
        self._language: Language = tenant.note.language
        self._ticket_url = ticket_url
        self._article_url = article_url

    async def similar_tickets(self, ticket: Ticket, *, limit: int) -> list[Source]:
        """The tenant's resolved tickets like this one, best first; empty when none matches well."""
        async with self._database.as_tenant(self._tenant_id) as session:
            matches = [match for match in await self._rank(session, TICKETS, ticket, limit=limit) if match.is_good]
            return await self._as_tickets(session, matches) if matches else []

    async def articles(self, ticket: Ticket, *, limit: int) -> list[Source]:
        """The tenant's approved articles about this, best first; empty when none matches well."""
        async with self._database.as_tenant(self._tenant_id) as session:
            matches = [match for match in await self._rank(session, ARTICLES, ticket, limit=limit) if match.is_good]
            return await self._as_articles(session, matches) if matches else []

    async def rank_tickets(self, ticket: Ticket, *, limit: int) -> list[Match]:
        """The ranked resolved tickets, also those that are no good match; for measurements."""
        async with self._database.as_tenant(self._tenant_id) as session:
            return await self._rank(session, TICKETS, ticket, limit=limit)

    async def _rank(self, session: AsyncSession, kind: DocumentKind, ticket: Ticket, *, limit: int) -> list[Match]:
        values: dict[str, Any] = {
            "tenant_id": self._tenant_id,
            "kind": kind.name,
            "configuration": CONFIGURATIONS[self._language],
            "generic": GENERIC_WORDS[self._language],
            "max_term_chars": MAX_TERM_CHARS,
            "subject": tidy(ticket.subject, max_chars=_MAX_QUERY_CHARS),
            "body": tidy(ticket.description, max_chars=_MAX_QUERY_CHARS),
            "own_id": ticket.id,
            "asked_at": ticket.created_at,
            "limit": limit,
        }
        rows = await session.execute(_RANK, values)
        return [
            Match(
                id=row.id,
                fit=row.fit,
                boost=row.boost,
                terms=dict(zip(row.terms, row.weights, strict=True)),
                asked_terms=row.asked_terms,
            )
            for row in rows
        ]

    async def _as_tickets(self, session: AsyncSession, matches: Sequence[Match]) -> list[Source]:
        shown = select(
            *(col(TicketRow.id), col(TicketRow.display_id), col(TicketRow.subject)),
            func.left(TicketRow.description, _MAX_PASSAGE_CHARS).label("description"),
            func.left(TicketRow.resolution, _MAX_PASSAGE_CHARS).label("resolution"),
        ).where(col(TicketRow.tenant_id) == self._tenant_id, col(TicketRow.id).in_([match.id for match in matches]))
        found = {row.id: row for row in await session.execute(shown)}
        matches = [match for match in matches if match.id in found]
        gists = await self._passages(
            session, [(found[match.id].description, match) for match in matches], max_chars=_MAX_GIST_CHARS
        )
        rest = [MAX_SOURCE_CHARS - len(_join(self._language, gist, "")) for gist in gists]
        resolutions = await self._passages(
            session, [(found[match.id].resolution, match) for match in matches], max_chars=min(rest, default=0)
        )
        return [
            Source(
                kind=SourceKind.TICKET,
                id=match.id,
                title=_title(found[match.id]),
                text=_join(self._language, gist, resolution),
                url=self._ticket_url(match.id),
                score=match.score,
            )
            for match, gist, resolution in zip(matches, gists, resolutions, strict=True)
        ]

    async def _as_articles(self, session: AsyncSession, matches: Sequence[Match]) -> list[Source]:
        shown = select(
            *(col(ArticleRow.id), col(ArticleRow.title)),
            func.left(ArticleRow.text, _MAX_PASSAGE_CHARS).label("text"),
        ).where(col(ArticleRow.tenant_id) == self._tenant_id, col(ArticleRow.id).in_([match.id for match in matches]))
        found = {row.id: row for row in await session.execute(shown)}
        matches = [match for match in matches if match.id in found]
        passages = await self._passages(
            session, [(found[match.id].text, match) for match in matches], max_chars=MAX_SOURCE_CHARS
        )
        return [
            Source(
                kind=SourceKind.ARTICLE,
                id=match.id,
                title=one_line(found[match.id].title, max_chars=_MAX_TITLE_CHARS),
                text=passage,
                url=self._article_url(match.id),
                score=match.score,
            )
            for match, passage in zip(matches, passages, strict=True)
        ]

    async def _passages(
        self, session: AsyncSession, texts: Sequence[tuple[str, Match]], *, max_chars: int
    ) -> list[str]:
        """The best passage of each text. A text that is short enough is taken whole, without a query for its terms."""
        pieces = [split_pieces(content) if len(content) > max_chars else [content] for content, _ in texts]
        found = await self._find_terms(session, pieces, {term for _, match in texts for term in match.terms})
        return [
            choose_passage(parts, terms, match.terms, max_chars=max_chars)
            for parts, terms, (_, match) in zip(pieces, found, texts, strict=True)
        ]

    async def _find_terms(
        self, session: AsyncSession, pieces: Sequence[Sequence[str]], terms: set[str]
    ) -> list[list[set[str]]]:
        """Which of *terms* occur in each piece of each text. For a text of one piece that is not looked up."""
        asked = [
            (number, place) for number, parts in enumerate(pieces) for place in range(len(parts)) if len(parts) > 1
        ]
        found: list[list[set[str]]] = [[set() for _ in parts] for parts in pieces]
        if asked:
            values = {
                "configuration": CONFIGURATIONS[self._language],
                "pieces": [pieces[number][place] for number, place in asked],
                "terms": list(terms),
            }
            for row in await session.execute(_FIND_TERMS, values):
                number, place = asked[row.piece - 1]
                found[number][place].add(row.term)
        return found


def _title(row: Any) -> str:
    return one_line(f"#{row.display_id or row.id} {row.subject}", max_chars=_MAX_TITLE_CHARS)


def _join(language: Language, problem: str, resolution: str) -> str:
    was, mended = _LABELS[language]
    return f"{was}: {problem}\n{mended}: {resolution}" if problem else f"{mended}: {resolution}"
