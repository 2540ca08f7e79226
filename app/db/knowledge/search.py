"""Search over a tenant's resolved tickets and approved articles: BM25 in `rank.sql`, over the index of `indexing`.

Where the query has vectors, tickets with near titles are candidates too, and the closeness of texts counts in the scores.

Invariant: what a query costs does not grow with the corpus, nor with how few words it has: at most 60 terms rank, 4,000
postings are read, and 210 documents scored. Only good matches are returned.

    words.sql    subject, body ─▶ query terms, and how many documents of each kind hold them
    weighing     ─▶ weighed by rarity
    rank.sql     ─▶ postings of the most telling ones ─▶ candidates, and what they are linked to
                 ─▶ their terms and lengths ─▶ BM25 over all query terms ─▶ with links and category ─▶ best

So candidates are found by rare terms first, while common terms count in their scores. rank.sql has a worked example;
the figures were chosen in bench/retrieval.md.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime
from functools import cache, partial
from importlib import resources
from math import log10
from types import MappingProxyType
from typing import Any, Final

from app.core.confidence import likeness, matter
from app.core.reading.language import foreign_function_words
from app.core.reading.mail import own_words, split_mail
from app.core.reading.text import one_line, tidy
from app.core.source import Closeness, Source, SourceKind
from app.core.standing import factor
from app.core.tenant import Language, Tenant
from app.core.ticket import Ticket
from app.core.triage import NEAREST
from app.core.vectors import TicketVectors
from app.db.knowledge.compounds import COMPOUNDING, asked_for, choose, possible, telling_words
from app.db.knowledge.documents import ARTICLES, TICKETS, DocumentKind
from app.db.knowledge.generic_words import GENERIC_WORDS, PASSING_ON, generic_terms, generic_words
from app.db.knowledge.passage import choose_passage, split_pieces
from app.db.knowledge.reading import (
    CODE_MARK,
    CONFIGURATIONS,
    MAX_TERM_CHARS,
    OwnTerm,
    Reading,
    read,
    spoken_languages,
    words_of,
)
from app.db.knowledge.spellings import as_one, otherwise, word_of
from app.db.knowledge.vectors import CLOSENESS, NO_CLOSENESS, VECTOR_WEIGHTS, find_nearest
from app.db.knowledge.weighing import Corpus, QueryTerm, Weighed, count_words, weigh
from app.db.session import Row, Transaction, Transactions
from app.db.sql import load, read_script

MAX_SOURCE_CHARS: Final = 1_200
_MAX_GIST_CHARS: Final = 350
_MAX_TITLE_CHARS: Final = 200
# A ticket says what it is about in its first words; what follows are logs.
_MAX_QUERY_CHARS: Final = 8_000
# Own words that say less than this many things ("FYI, see below") only pass on what they quote.
_MIN_OWN_WORDS: Final = 2
_FIRST_CHARS: Final = 200
# Of a found document's text, read for a passage.
_MAX_PASSAGE_CHARS: Final = 64_000

# Headings of problem and resolution in the text of a similar ticket.
_LABELS: Final[dict[Language, tuple[str, str]]] = {
    "en": ("Problem", "Resolution"),
    "de": ("Problem", "Lösung"),
    "fr": ("Problème", "Solution"),
    "es": ("Problema", "Solución"),
}

RELATED_FIT: Final = 0.14
"""Below this a document of a corpus of `_FEW_DOCUMENTS` is no good match. 1 would hold the telling terms over and over."""
MORE_FOR_TENFOLD: Final = 0.03
"""So much more for each tenfold of documents: the more there are, the better fits one by chance."""
MORE_FOR_SAME: Final = 0.09
"""From so much more on it may be called very similar."""
SAME_LIKENESS: Final = 0.2
LIKER_FOR_TENFOLD: Final = 0.06
LIKER_IF_RIVALLED: Final = 0.12
"""A ticket is, if it is so like the one that asks too, by what both are about: the fit takes its resolution's words for it
as well, and repeated ones. `eval.levels` measures it."""
RIVAL: Final = 0.8
"""One that fits so well at least, as a share, is a rival."""
_FEW_DOCUMENTS: Final = 40
# From so many on, the corpus itself tells which words say nothing.
_TELLING_DOCUMENTS: Final = 1_000
MIN_WORDS: Final = 2
MIN_WORDS_FOR_SAME: Final = 3
# What a string that is the same in all languages counts for, and a part of a compound.
_STRING_WORDS: Final = 2
_STRING_FREQUENCY: Final = 0.25
_PART_OF_KNOWN_FREQUENCY: Final = 0.5
# Documents that come after the shown ones, and before those that votes push down.
_SPARE: Final = 5
_RANKED: Final = ("id", "fit", "linked_fit", "times_linked", "is_same_category", "relevance")
# What a ticket's nearest ones suggest for it.
_FIELDS: Final = ("category", "subcategory", "priority", "group", "technician")
_SUBJECT_FREQUENCY, _BODY_FREQUENCY = 2.0, 1.0

_BY_WORDS_ALONE: Final[Mapping[str, Any]] = MappingProxyType({})

_LETTERS = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W_][\w.-]+\w")
_SAY_NOTHING: Final = PASSING_ON.union(*(words.split() for words in GENERIC_WORDS.values()))

_SHOWN_TICKETS: Final = read_script(__package__, "found_tickets")
_RANK: Final = {
    TICKETS: load(__package__, "rank", documents="ticket", closeness=NO_CLOSENESS, shown=_SHOWN_TICKETS),
    # As old as can be, and of no category.
    ARTICLES: load(
        __package__,
        "rank",
        documents="(select tenant_id, id, document, terms, frequencies, length, indexed_digest,"
        " cast(null as timestamptz) as created_at, '' as category from article)",
        closeness=NO_CLOSENESS,
        shown=read_script(__package__, "found_articles"),
    ),
}
_RANK_BY_VECTORS: Final = load(__package__, "rank", documents="ticket", closeness=CLOSENESS, shown=_SHOWN_TICKETS)
_WORDS: Final = load(__package__, "words")
_FIND_TERMS: Final = load(__package__, "find_terms")
_KNOWN_WORDS: Final = load(__package__, "known_words")


@dataclass(frozen=True, slots=True)
class _Query:
    """A ticket as the search asks for it."""

    subject: str
    body: str
    languages: tuple[str, ...]
    """By which it and the documents are read: the tenant's, and the ticket's own if it can be told (ISO 639-1)."""

    @property
    def configurations(self) -> list[str]:
        return [CONFIGURATIONS[language] for language in self.languages]

    def frequency(self, word: str) -> float:
        """How often *word* (lower case) occurs, as `words.sql` counts."""
        subject, body = (_LETTERS.findall(text.lower()).count(word) for text in (self.subject, self.body))
        return subject * _SUBJECT_FREQUENCY + body * _BODY_FREQUENCY

    def without(self, words: Collection[str]) -> _Query:
        subject, body = (
            _LETTERS.sub(lambda found: "" if found[0].lower() in words else found[0], text)
            for text in (self.subject, self.body)
        )
        return replace(self, subject=subject, body=body)


@dataclass(frozen=True, slots=True)
class LinkWeights:
    """What links and the category count for, as rank.sql says."""

    similar: float
    often: float
    most_often: float
    same_category: float
    ceiling: float
    """Of the best fit."""


def load_link_weights() -> LinkWeights:
    """Those of link_weights.toml."""
    found = tomllib.loads(resources.files(__package__).joinpath("link_weights.toml").read_text("utf-8"))
    return LinkWeights(**{each.name: found[each.name] for each in fields(LinkWeights)})


@dataclass(frozen=True, slots=True)
class Match:
    """A ranked document."""

    id: str
    fit: float
    """Its BM25 score, as a share of the most that the query's 12 weightiest terms can give; mixed with the closeness of the
    vectors of both texts, where they have one."""
    linked_fit: float
    """The fit of the tickets like the query that are linked to it, as one; 0: none is."""
    times_linked: int
    """How many tickets are linked to it, at most 20."""
    is_same_category: bool
    relevance: float
    """Its fit, with what links and the category add."""
    boost: float
    """Factor for its score, by its age: 1 (old, or an article) to 1.5 (a ticket of today); and by votes, 0.5 to 1."""
    terms: dict[str, float]
    """The query's terms that it holds, by weight."""
    words: int
    """How many words of the query it holds."""
    asked_words: int
    """How many words the query has."""
    searched: int
    """How many documents there are."""
    has_rare_string: bool
    """Whether it holds an error code or another string of the query that few documents hold."""
    row: Row
    """With what is shown of it."""

    @property
    def score(self) -> float:
        return min(1.0, self.relevance * self.boost)

    def closeness_of(self, asked: str, about: str, *, is_rivalled: bool) -> Closeness | None:
        """The same of a ticket that is about *about*. *is_rivalled*: others fit about as well."""
        like = SAME_LIKENESS + LIKER_FOR_TENFOLD * self._tenfolds + LIKER_IF_RIVALLED * is_rivalled
        is_same = self.closeness is Closeness.SAME and (self.has_rare_string or likeness(asked, about) >= like)
        return Closeness.SAME if is_same else self.closeness and Closeness.RELATED

    @property
    def _tenfolds(self) -> float:
        return log10(max(self.searched / _FEW_DOCUMENTS, 1))

    @property
    def closeness(self) -> Closeness | None:
        """What a person would see in it; None: no reason why it is shown. Enough of what the query tells, but not by one
        word alone; the same error code says it is the same problem.
        """
        if self.has_rare_string:
            return Closeness.SAME
        least = RELATED_FIT + MORE_FOR_TENFOLD * self._tenfolds
        says_enough = self.asked_words >= MIN_WORDS and self._holds(MIN_WORDS_FOR_SAME)
        if self.relevance >= least + MORE_FOR_SAME and says_enough:
            return Closeness.SAME
        return Closeness.RELATED if self.relevance >= least and self._holds(MIN_WORDS) else None

    def _holds(self, words: int) -> bool:
        return self.linked_fit > 0 or self.words >= min(words, self.asked_words)

    @property
    def is_good(self) -> bool:
        return self.closeness is not None


_LINK_WEIGHTS: Final = load_link_weights()


class Search:
    """Similar tickets and articles of one tenant, for the ports `History` and `Knowledge`.

    Args:
        database: As the worker's role.
        tenant: The language of its notes decides on stems and stop words.
        ticket_url: The page of a ticket, from its id.
        article_url: The page of an article, from its id.
        weights: Those of link_weights.toml, but for measurements.
    """

    def __init__(
        self,
        database: Transactions,
        tenant: Tenant,
        *,
        ticket_url: Callable[[str], str],
        article_url: Callable[[str], str],
        weights: LinkWeights | None = None,
    ) -> None:
        self._database = database
        self._tenant_id = tenant.id
        self._language: Language = tenant.note.language
        self._ticket_url = ticket_url
        self._nearest: list[dict[str, str]] = []
        self._read_last: tuple[Any, tuple[list[QueryTerm], tuple[OwnTerm, ...], Sequence[Row]]] = (None, ([], (), ()))
        self._article_url = article_url
        self._weights = asdict(weights or _LINK_WEIGHTS)
        # The search for tickets and that for articles read the same texts.
        self._read_text = cache(read)
        self._query = cache(partial(_make_query, language=tenant.note.language))

    async def similar_tickets(
        self, ticket: Ticket, *, limit: int, machines: Sequence[str] = (), vectors: TicketVectors | None = None
    ) -> list[Source]:
        """The tenant's resolved tickets like this one, best first; empty when none matches well.

        *machines*: what the machines that it names are called besides, to be found by too. *vectors*: the ticket's; None:
        the search goes by words alone.
        """
        async with self._database.transaction(self._tenant_id) as tx:
            query, matches = await self._find(
                tx, TICKETS, ticket, limit=max(limit, NEAREST), machines=machines, vectors=vectors
            )
            self._nearest = [{name: match.row[name] for name in _FIELDS} for match in matches]
            return await self._as_tickets(tx, matches[:limit], query, asked=matter(ticket))

    async def nearest_fields(self) -> list[dict[str, str]]:
        """The fields of the tickets that `similar_tickets` found last, and of some more like them, best first."""
        return self._nearest

    async def articles(self, ticket: Ticket, *, limit: int) -> list[Source]:
        """The tenant's approved articles about this, best first; empty when none matches well."""
        async with self._database.transaction(self._tenant_id) as tx:
            query, matches = await self._find(tx, ARTICLES, ticket, limit=limit)
            return await self._as_articles(tx, matches, query)

    async def rank_tickets(self, ticket: Ticket, *, limit: int, vectors: TicketVectors | None = None) -> list[Match]:
        """The ranked resolved tickets, also those that are no good match; for measurements."""
        async with self._database.transaction(self._tenant_id) as tx:
            query = next(iter(self._queries(ticket)))
            meant = await self._by_vectors(tx, vectors)
            return await self._rank(tx, TICKETS, query, ticket, limit=limit, meant=meant)

    async def _by_vectors(self, tx: Transaction, vectors: TicketVectors | None) -> dict[str, Any]:
        """What `rank.sql` takes to rank by *vectors* too; nothing: it can't."""
        nearest = None if vectors is None else await find_nearest(tx, self._tenant_id, vectors)
        if vectors is None or nearest is None:
            return {}
        return {"nearest": nearest, "text": vectors.text, "model": vectors.model}

    async def _find(
        self,
        tx: Transaction,
        kind: DocumentKind,
        ticket: Ticket,
        *,
        limit: int,
        machines: Sequence[str] = (),
        vectors: TicketVectors | None = None,
    ) -> tuple[_Query, list[Match]]:
        """The good matches: by the requester's own words, or where nothing fits these, by what they quote too."""
        queries = self._queries(ticket, machines)
        meant = await self._by_vectors(tx, vectors)
        for query in queries:
            matches = await self._rank(tx, kind, query, ticket, limit=limit, meant=meant)
            good = [match for match in matches if match.is_good]
            if good:
                return query, good
        return queries[-1], []

    def _queries(self, ticket: Ticket, machines: Sequence[str] = ()) -> list[_Query]:
        own, quoted, _ = ticket.mail
        with_quoted = f"{own}\n{quoted}".strip()
        bodies = [own, with_quoted] if quoted and _says_something(own) else [with_quoted]
        # What a machine is called says as much as a subject does.
        subject = tidy("\n".join([ticket.subject, *machines]), max_chars=_MAX_QUERY_CHARS)
        return [self._query(subject, tidy(body, max_chars=_MAX_QUERY_CHARS)) for body in bodies]

    async def _rank(
        self,
        tx: Transaction,
        kind: DocumentKind,
        query: _Query,
        ticket: Ticket,
        *,
        limit: int,
        meant: Mapping[str, Any] = _BY_WORDS_ALONE,
    ) -> list[Match]:
        query, compounds = await self._with_compounds(tx, kind, query)
        weighed = await self._weigh(tx, kind, query, compounds)
        if weighed is None or not (weighed.held or meant):
            return []
        values: dict[str, Any] = {
            "tenant_id": self._tenant_id,
            "kind": kind,
            **weighed.values,
            "own_id": ticket.id,
            "asked_at": ticket.created_at,
            "category": ticket.category,
            "limit": limit + _SPARE,
            "nearest": [],
            "max_chars": _MAX_PASSAGE_CHARS,
            **self._weights,
            **VECTOR_WEIGHTS,
            **meant,
        }
        matches = [_match(row, weighed) for row in await tx.rows(_RANK_BY_VECTORS if meant else _RANK[kind], **values)]
        # Votes push some of them down.
        return sorted(matches, key=lambda match: match.score, reverse=True)[:limit]

    async def _weigh(
        self, tx: Transaction, kind: DocumentKind, query: _Query, compounds: tuple[QueryTerm, ...]
    ) -> Weighed | None:
        """What the terms of *query* and *compounds* weigh; None: there is no document of *kind*."""
        # The search for tickets and that for articles ask the same, one after the other.
        asked = tx, query, compounds
        if self._read_last[0] != asked:
            subject, body = self._read_text(query.subject), self._read_text(query.body)
            own = [*_own_terms(subject, body), *compounds]
            spelled = otherwise(f"{subject.words} {body.words}")
            values = {
                "tenant_id": self._tenant_id,
                "configurations": query.configurations,
                "max_term_chars": MAX_TERM_CHARS,
                "subject": subject.words,
                "body": body.words,
                "own_terms": [*(each.term for each in own), *(each.term for each in spelled)],
            }
            self._read_last = asked, (own, spelled, await tx.rows(_WORDS, **values))
        own, spelled, of_all = self._read_last[1]
        rows = [row for row in of_all if row["kind"] == kind]
        if not rows:
            return None
        corpus = Corpus(rows[0]["searched"], rows[0]["mean_length"])
        is_small = corpus.documents < _TELLING_DOCUMENTS
        generic = (await generic_terms(tx.rows, query.languages)).all if is_small else frozenset()
        return weigh(_query_terms(rows, own, spelled, generic=generic), corpus)

    async def _with_compounds(
        self, tx: Transaction, kind: DocumentKind, query: _Query
    ) -> tuple[_Query, tuple[QueryTerm, ...]]:
        """*query* without the words that no document holds, where documents hold their parts or compounds; and these."""
        language = next((language for language in reversed(query.languages) if language in COMPOUNDING), None)
        if language is None:
            return query, ()
        words = telling_words(
            f"{query.subject}\n{query.body}", generic=frozenset(generic_words(query.languages).split())
        )
        ways = possible(words)
        values = {
            "tenant_id": self._tenant_id,
            "kind": kind,
            "configuration": CONFIGURATIONS[language],
            "words": asked_for(words, ways),
        }
        known = {row["word"]: row["term"] for row in await tx.rows(_KNOWN_WORDS, **values)}
        found = choose(ways, known)
        terms = tuple(
            QueryTerm(
                each.term,
                variant=each.term,
                word=each.word,
                words=each.words,
                frequency=min(
                    query.frequency(word) * (_PART_OF_KNOWN_FREQUENCY if word in known else 1)
                    for word in each.instead_of
                ),
            )
            for each in found
        )
        return query.without({word for each in found for word in each.instead_of} - known.keys()), terms

    async def _as_tickets(
        self, tx: Transaction, matches: Sequence[Match], query: _Query, *, asked: str
    ) -> list[Source]:
        gists = await self._passages(
            tx, [(_problem(match.row), match) for match in matches], query, max_chars=_MAX_GIST_CHARS
        )
        best, second = [*sorted((match.score for match in matches), reverse=True), 0.0, 0.0][:2]
        rest = [MAX_SOURCE_CHARS - len(_join(self._language, gist, "")) for gist in gists]
        resolutions = await self._passages(
            tx,
            [(own_words(match.row["resolution"]), match) for match in matches],
            query,
            max_chars=min(rest, default=0),
        )
        return [
            Source(
                kind=SourceKind.TICKET,
                id=match.id,
                title=_title(match.row),
                text=_join(self._language, gist, resolution),
                staff_text=resolution,
                outcome=match.row["status"],
                resolved_on=_day(match.row["resolved_at"]),
                category=match.row["category"],
                url=self._ticket_url(match.id),
                score=match.score,
                among=match.searched,
                closeness=match.closeness_of(
                    asked,
                    f"{match.row['subject']}\n{gist}",
                    is_rivalled=match.score < best or second >= RIVAL * best,
                ),
            )
            for match, gist, resolution in zip(matches, gists, resolutions, strict=True)
        ]

    async def _as_articles(self, tx: Transaction, matches: Sequence[Match], query: _Query) -> list[Source]:
        passages = await self._passages(
            tx, [(match.row["text"], match) for match in matches], query, max_chars=MAX_SOURCE_CHARS
        )
        return [
            Source(
                kind=SourceKind.ARTICLE,
                id=match.id,
                title=one_line(match.row["title"], max_chars=_MAX_TITLE_CHARS),
                text=passage,
                updated_on=_day(match.row["updated_at"]),
                url=self._article_url(match.id),
                score=match.score,
                among=match.searched,
                closeness=match.closeness,
            )
            for match, passage in zip(matches, passages, strict=True)
        ]

    async def _passages(
        self, tx: Transaction, texts: Sequence[tuple[str, Match]], query: _Query, *, max_chars: int
    ) -> list[str]:
        """The best passage of each text. A text that is short enough is taken whole, without a query for its terms."""
        pieces = [split_pieces(content) if len(content) > max_chars else [content] for content, _ in texts]
        found = await self._find_terms(tx, pieces, {term for _, match in texts for term in match.terms}, query)
        return [
            choose_passage(parts, terms, match.terms, max_chars=max_chars)
            for parts, terms, (_, match) in zip(pieces, found, texts, strict=True)
        ]

    async def _find_terms(
        self, tx: Transaction, pieces: Sequence[Sequence[str]], terms: set[str], query: _Query
    ) -> list[list[set[str]]]:
        """Which of *terms* occur in each piece of each text. For a text of one piece that is not looked up."""
        asked = [
            (number, place) for number, parts in enumerate(pieces) for place in range(len(parts)) if len(parts) > 1
        ]
        found: list[list[set[str]]] = [[set() for _ in parts] for parts in pieces]
        # Of Latin letters alone only codes are terms that PostgreSQL does not make.
        if any(term.startswith(CODE_MARK) or not term.isascii() for term in terms):
            for number, place in asked:
                own = read(pieces[number][place]).terms
                found[number][place].update(each.term for each in own if each.term in terms)
        if asked:
            values = {
                "configurations": query.configurations,
                "pieces": [words_of(pieces[number][place]) for number, place in asked],
                "terms": list(terms),
            }
            for row in await tx.rows(_FIND_TERMS, **values):
                number, place = asked[row["piece"] - 1]
                found[number][place].add(row["term"])
        return found


def _make_query(subject: str, body: str, *, language: Language) -> _Query:
    subject, body = as_one(subject), as_one(body)
    whole = f"{subject}\n{body}"
    query = _Query(subject, body, spoken_languages(whole, language=language))
    foreign = foreign_function_words(whole, languages=query.languages)
    return query.without(foreign) if foreign else query


def _own_terms(subject: Reading, body: Reading) -> list[QueryTerm]:
    """The terms of a query that `reading` made."""
    frequencies: defaultdict[tuple[str, str], float] = defaultdict(float)
    words: dict[str, str] = {}
    for reading, frequency in ((subject, _SUBJECT_FREQUENCY), (body, _BODY_FREQUENCY)):
        for own in reading.terms:
            word = words.setdefault(own.term, own.word)
            frequencies[own.term, word] += frequency * (_STRING_FREQUENCY if own.term.startswith(CODE_MARK) else 1)
    return [
        QueryTerm(
            term,
            variant=term,
            word=word,
            words=_STRING_WORDS if term.startswith(CODE_MARK) else 1,
            frequency=frequency,
        )
        for (term, word), frequency in frequencies.items()
    ]


def _query_terms(
    rows: Sequence[Row], own: Sequence[QueryTerm], spelled: Sequence[OwnTerm], *, generic: Collection[str]
) -> Iterator[QueryTerm]:
    """Those of words.sql's *rows*, of documents of one kind, and *own* ones; without *generic* ones, which say nothing.

    *spelled*: what documents have for words of the query that are written in several ways, which count as one.
    """
    of_own = {row["term"]: row for row in rows if row["place"] is None}
    for term in own:
        if term.term not in generic:
            yield replace(term, documents=of_own[term.term]["documents"])
    asked = {row["term"] for row in rows if row["place"] is not None}
    others: defaultdict[str, list[Row]] = defaultdict(list)
    for each in spelled:
        row = of_own[each.term]
        if each.term not in asked and row["documents"] and each.term not in generic:
            others[each.word].append(row)
    for row in rows:
        place = row["place"]
        if place is None or row["term"] in generic:
            continue
        forms = [row, *others.pop(word_of(row["term"]), ())]
        documents = min(sum(form["documents"] for form in forms), row["searched"])
        for form in forms:
            if form["documents"] or len(forms) == 1:
                yield QueryTerm(form["term"], place, place, 1, row["frequency"], documents)


def _match(row: Row, weighed: Weighed) -> Match:
    """*row* of rank.sql."""
    held = weighed.at(row["places"])
    return Match(
        **{name: row[name] for name in _RANKED},
        boost=row["boost"] * factor(row["up"], row["down"]),
        terms={term.term: weight for term, weight in held.items()},
        words=count_words(held),
        asked_words=weighed.asked_words,
        searched=weighed.corpus.documents,
        has_rare_string=any(term.is_rare_string(weighed.corpus) for term in held),
        row=row,
    )


def _says_something(own: str) -> bool:
    """Whether a requester's *own* words say enough to search by them alone. Mostly the first of them tell."""
    beginning = own[:_FIRST_CHARS].rpartition(" ")[0]
    for text in (beginning, own):
        reading = read(text)
        telling = set(_WORD.findall(reading.words.lower())) - _SAY_NOTHING
        if len(telling) + len({own_term.word for own_term in reading.terms}) >= _MIN_OWN_WORDS:
            return True
    return False


def _title(row: Row) -> str:
    return one_line(f"#{row['display_id'] or row['id']} {row['subject']}", max_chars=_MAX_TITLE_CHARS)


def _day(time: datetime | None) -> date | None:
    return time.astimezone(UTC).date() if time else None


def _problem(row: Row) -> str:
    """What a stored ticket's requester wrote; if they only passed a mail on, that mail."""
    mail = split_mail(row["description"])
    return mail.own if _says_something(mail.own) else f"{mail.own}\n{mail.quoted}".strip()


def _join(language: Language, problem: str, resolution: str) -> str:
    was, mended = _LABELS[language]
    return f"{was}: {problem}\n{mended}: {resolution}" if problem else f"{mended}: {resolution}"
