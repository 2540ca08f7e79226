"""Search over a tenant's resolved tickets and approved articles: BM25 in SQL, over the index of `indexing`.

Invariant: what a query costs does not grow with the corpus: at most `MAX_QUERY_TERMS` terms are looked up,
`MAX_POSTINGS` postings read, and `MAX_CANDIDATES` documents scored. What is no good match is not returned at all.

    subject, body ─▶ query terms, weighed by rarity ─▶ postings of the most telling ones ─▶ candidates
                                                 candidates' own terms and lengths ─▶ BM25 over all query terms ─▶ best

So a common term finds no candidate, yet counts in the score of each. The figures were chosen in bench/retrieval.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.source import Kind as SourceKind
from app.core.source import Source
from app.core.tenant import Language, Tenant
from app.core.text import one_line, tidy
from app.core.ticket import Ticket
from app.db.knowledge.generic_words import GENERIC_WORDS
from app.db.knowledge.indexing import ARTICLES, CONFIGURATIONS, MAX_TERM_CHARS, TICKETS, Kind
from app.db.knowledge.passage import choose_passage, split_pieces
from app.db.session import Database

MAX_QUERY_TERMS: Final = 60
MAX_POSTINGS: Final = 5_000
MAX_CANDIDATES: Final = 200
MAX_SOURCE_CHARS: Final = 1_200
_MAX_GIST_CHARS: Final = 350
_MAX_TITLE_CHARS: Final = 200
# A ticket says what it is about in its first words; what follows is mail history, signatures and logs.
_MAX_QUERY_CHARS: Final = 8_000
# Of a found document's text, read for a passage.
_MAX_PASSAGE_CHARS: Final = 64_000

# What introduces the problem and its resolution in a similar ticket's text.
_LABELS: Final[dict[Language, tuple[str, str]]] = {
    "en": ("Problem", "Resolution"),
    "de": ("Problem", "Lösung"),
    "fr": ("Problème", "Solution"),
    "es": ("Problema", "Solución"),
}

# From so many documents on, the corpus itself tells which words say nothing.
_LARGE_CORPUS: Final = 1_000
_K1: Final = 1.2
_B: Final = 0.75
_SUBJECT_WEIGHT: Final = 2.0
# How soon further occurrences of a term in the query stop to count: f → f · (k + 1) / (f + k).
_QUERY_K: Final = 8.0
# A ticket as old as the query counts half as much again as an old one: what breaks, breaks for many at a time.
_RECENCY: Final = 0.5
_RECENCY_DAYS: Final = 30.0

MIN_FIT: Final = 0.14
"""Below this a document is no good match. 1 would hold the telling terms of the query over and over."""
MIN_TERMS: Final = 2
# Of a long ticket the words that tell most; else no document could fit a long one.
_FIT_TERMS: Final = 12

_RECENT: Final = (
    "1 + {recency}::float8 * exp(-greatest(extract(epoch from"
    " coalesce(cast(:asked_at as timestamptz), now()) - d.created_at)::float8 / 86400, 0) / {days})"
)
_RANK: Final = """
with total as materialized (
    select documents, total_length / documents as mean_length from corpus
    where tenant_id = :tenant_id and kind = '{table}' and documents > 0
), generic as materialized (
    select case when documents < {large_corpus} then
        tsvector_to_array(to_tsvector(cast(cast(:configuration as text) as regconfig), :generic)) else '{{}}' end as words
    from total
), query_term as (
    select lexeme as term, sum(weight * cardinality(positions))::float8 as frequency
    from (values (cast(:subject as text), {subject_weight}), (cast(:body as text), 1)) field (content, weight)
    cross join lateral unnest(to_tsvector(cast(cast(:configuration as text) as regconfig), content))
    where length(lexeme) <= {max_term_chars} and lexeme !~ '^-?[0-9]{{1,2}}$'
        and lexeme <> all((select words from generic)::text[])
    group by lexeme
), weighted as materialized (
    select q.term, coalesce(t.documents, 0) as documents, c.mean_length,
        q.frequency * {query_k1} / (q.frequency + {query_k})
            * ln((c.documents + 1) / (coalesce(t.documents, 0) + 0.5::float8)) as weight
    from query_term q
    cross join total c
    left join lateral (
        select documents from term where tenant_id = :tenant_id and kind = '{table}' and term = q.term offset 0
    ) t on true
    order by weight desc, q.term
    limit {max_terms}
), telling as (
    select term, weight from (
        select term, weight,
            sum(documents) over (order by weight / sqrt(documents) desc, term rows unbounded preceding) as postings
        from weighted where documents > 0
    ) w where postings <= {max_postings}
), candidate as materialized (
    select p.document
    from telling
    cross join lateral (
        select document from posting
        where tenant_id = :tenant_id and kind = '{table}' and term = telling.term
        offset 0
    ) p
    group by p.document
    order by sum(telling.weight) desc, p.document desc
    limit {max_candidates}
)
select d.id, m.score / asked.weight as fit, {boost} as boost, m.terms, m.weights, asked.terms as asked_terms
from (
    select {k1_plus} * sum(weight) filter (where place <= {fit_terms}) as weight, count(*) as terms
    from (select weight, row_number() over (order by weight desc) as place from weighted) w
) asked
cross join candidate
cross join lateral (
    select * from {table} where tenant_id = :tenant_id and document = candidate.document offset 0
) d
cross join lateral (
    select array_agg(term) as terms, array_agg(weight) as weights,
        sum(
            weight * {k1_plus} * u.frequency / (u.frequency + {k1} * ({b_rest} + {b} * d.length / mean_length))
        ) as score
    from unnest(d.terms, d.frequencies) u (term, frequency)
    join weighted using (term)
) m
where {others}
order by m.score * ({boost}) desc, d.id desc
limit :limit
"""
_TOKENS: Final = text("""
select n::int as n, lexeme as term
from unnest(cast(:pieces as text[])) with ordinality p (content, n)
cross join lateral unnest(to_tsvector(cast(cast(:configuration as text) as regconfig), content))
where lexeme = any(cast(:terms as text[]))
""")
_TICKETS: Final = text(
    "select id, display_id, subject, left(description, :chars) as description, left(resolution, :chars) as resolution"
    " from ticket where tenant_id = :tenant_id and id = any(:ids)"
)
_ARTICLES: Final = text(
    "select id, title, left(text, :chars) as text from article where tenant_id = :tenant_id and id = any(:ids)"
)


def _compose(kind: Kind, *, boost: str = "1::float8", others: str = "true") -> TextClause:
    """The ranking of *kind*; nothing but constants of this module goes in."""
    return text(
        _RANK.format(
            table=kind.name,
            boost=boost,
            others=others,
            subject_weight=_SUBJECT_WEIGHT,
            query_k=f"{_QUERY_K}::float8",
            query_k1=f"{_QUERY_K + 1}::float8",
            k1=f"{_K1}::float8",
            k1_plus=f"{_K1 + 1}::float8",
            b=f"{_B}::float8",
            b_rest=f"{1 - _B}::float8",
            max_terms=MAX_QUERY_TERMS,
            max_postings=MAX_POSTINGS,
            max_candidates=MAX_CANDIDATES,
            max_term_chars=MAX_TERM_CHARS,
            fit_terms=_FIT_TERMS,
            large_corpus=_LARGE_CORPUS,
        )
    )


_RANK_TICKETS: Final = _compose(
    TICKETS, boost=f"coalesce({_RECENT.format(recency=_RECENCY, days=_RECENCY_DAYS)}, 1)", others="d.id <> :own_id"
)
_RANK_ARTICLES: Final = _compose(ARTICLES)


@dataclass(frozen=True, slots=True)
class Match:
    """A document as the ranking sees it."""

    id: str
    fit: float
    """How much of the query's most telling terms it says, 0 to 1."""
    boost: float
    """What its age multiplies its score by, from 1."""
    terms: dict[str, float]
    """The query's terms that it holds, by weight."""
    asked_terms: int
    """How many terms the query has."""

    @property
    def score(self) -> float:
        return min(1.0, self.fit * self.boost)

    @property
    def is_good(self) -> bool:
        """Whether a person would see why it is shown: enough of what the query tells, and not by one word alone."""
        return self.fit >= MIN_FIT and len(self.terms) >= min(MIN_TERMS, self.asked_terms)


class Search:
    """Similar tickets and articles of one tenant, for the ports `History` and `Knowledge`.

    Args:
        database: As the worker's role.
        tenant: Its note's language decides how words are read.
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
            return await self._as_tickets(session, matches)

    async def articles(self, ticket: Ticket, *, limit: int) -> list[Source]:
        """The tenant's approved articles about this, best first; empty when none matches well."""
        async with self._database.as_tenant(self._tenant_id) as session:
            matches = [match for match in await self._rank(session, ARTICLES, ticket, limit=limit) if match.is_good]
            return await self._as_articles(session, matches)

    async def rank_tickets(self, ticket: Ticket, *, limit: int) -> list[Match]:
        """The ranking of resolved tickets as it is, good matches or not; for measuring."""
        async with self._database.as_tenant(self._tenant_id) as session:
            return await self._rank(session, TICKETS, ticket, limit=limit)

    async def _rank(self, session: AsyncSession, kind: Kind, ticket: Ticket, *, limit: int) -> list[Match]:
        values: dict[str, Any] = {
            "tenant_id": self._tenant_id,
            "configuration": CONFIGURATIONS[self._language],
            "generic": GENERIC_WORDS[self._language],
            "subject": tidy(ticket.subject, max_chars=_MAX_QUERY_CHARS),
            "body": tidy(ticket.description, max_chars=_MAX_QUERY_CHARS),
            "limit": limit,
        }
        if kind is TICKETS:
            values |= {"own_id": ticket.id, "asked_at": ticket.created_at}
        rows = await session.execute(_RANK_TICKETS if kind is TICKETS else _RANK_ARTICLES, values)
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
        found = await self._load(session, _TICKETS, matches)
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
        found = await self._load(session, _ARTICLES, matches)
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

    async def _load(self, session: AsyncSession, sql: TextClause, matches: Sequence[Match]) -> dict[str, Any]:
        if not matches:
            return {}
        values = {
            "tenant_id": self._tenant_id,
            "ids": [match.id for match in matches],
            "chars": _MAX_PASSAGE_CHARS,
        }
        return {row.id: row for row in await session.execute(sql, values)}

    async def _passages(
        self, session: AsyncSession, texts: Sequence[tuple[str, Match]], *, max_chars: int
    ) -> list[str]:
        """What of each text is worth reading. A text that fits is taken whole, without asking for its terms."""
        pieces = [split_pieces(content) if len(content) > max_chars else [content] for content, _ in texts]
        found = await self._find_terms(session, pieces, {term for _, match in texts for term in match.terms})
        return [
            choose_passage(parts, terms, match.terms, max_chars=max_chars)
            for parts, terms, (_, match) in zip(pieces, found, texts, strict=True)
        ]

    async def _find_terms(
        self, session: AsyncSession, pieces: Sequence[Sequence[str]], terms: set[str]
    ) -> list[list[set[str]]]:
        """Which of *terms* each piece of each text holds; not looked up for a text of one piece."""
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
            for row in await session.execute(_TOKENS, values):
                number, place = asked[row.n - 1]
                found[number][place].add(row.term)
        return found


def _title(row: Any) -> str:
    return one_line(f"#{row.display_id or row.id} {row.subject}", max_chars=_MAX_TITLE_CHARS)


def _join(language: Language, problem: str, resolution: str) -> str:
    was, mended = _LABELS[language]
    return f"{was}: {problem}\n{mended}: {resolution}" if problem else f"{mended}: {resolution}"
