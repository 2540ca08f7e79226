"""What the search finds in the corpus of our own, replayed by time: each ticket is asked when only earlier ones are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final

from app.core.source import Gathered, GatherState, Source, SourceKind, number_sources
from app.db.session import Database
from eval.cases import TODAY
from eval.corpus import TENANTS, Known, a_search, a_tenant, load_corpus, store

DEPTH: Final = 100
SHOWN: Final = 5
_TODAY: Final = datetime.combine(TODAY, time(12), UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """One ticket of the corpus, and what was found for it."""

    known: Known
    language: str
    likes: frozenset[str]
    """Ids of the earlier tickets and the articles of the same problem."""
    ranked: tuple[str, ...]
    """Ids of tickets, the best first, good match or not."""
    gathered: tuple[Gathered, ...]
    """As a note gets it."""

    @property
    def like_tickets(self) -> set[str]:
        return {each for each in self.likes if "-K" not in each}

    @property
    def precision(self) -> float | None:
        """Average precision; None: there is nothing to find."""
        places = [place for place, found in enumerate(self.ranked) if found in self.likes]
        number = len(self.like_tickets)
        return sum((hit + 1) / (place + 1) for hit, place in enumerate(places)) / number if number else None

    def recall(self, depth: int) -> float | None:
        wanted = self.like_tickets
        return len(wanted & set(self.ranked[:depth])) / len(wanted) if wanted else None

    @property
    def shown(self) -> list[str]:
        """Ids of the tickets that a note shows."""
        return [source.id for group in self.gathered for source in group.sources if source.kind is SourceKind.TICKET]

    @property
    def first_is_right(self) -> float | None:
        """Whether the first ticket that is shown is of the same problem; None: none is shown."""
        return float(self.shown[0] in self.likes) if self.shown else None

    @property
    def silent_where_nothing_is(self) -> float | None:
        """Whether no ticket is shown; None: there is one to find."""
        return None if self.like_tickets else float(not self.shown)


async def replay(database: Database) -> list[Asked]:
    """Each ticket of both tenants, asked when its time has come; the articles are there from the begin."""
    asked: list[Asked] = []
    for name, language in TENANTS.items():
        corpus, tenant = load_corpus(name), a_tenant(name, language)
        search = a_search(database, tenant)
        await store(database, tenant, (), corpus.articles, corpus.assets)
        for known in corpus.known:
            earlier = {each.known.ticket.id for each in asked if each.known.group == known.group}
            about = {id_ for id_, groups in corpus.about.items() if known.group in groups}
            ranked = [match.id for match in await search.rank_tickets(known.as_open, limit=DEPTH)]
            tickets = await search.similar_tickets(known.as_open, limit=SHOWN)
            articles = await search.articles(known.as_open, limit=SHOWN)
            asked.append(
                Asked(known, language, frozenset(earlier | about), tuple(ranked), _gathered(tickets, articles))
            )
            await store(database, tenant, [known.ticket])
    return asked


async def leave_one_out(database: Database) -> list[Asked]:
    """Each ticket of both tenants, asked today when all others are stored: after `replay`, with more to find."""
    asked: list[Asked] = []
    for name, language in TENANTS.items():
        corpus, search = load_corpus(name), a_search(database, a_tenant(name, language))
        for known in corpus.known:
            ticket = known.as_open.model_copy(update={"created_at": _TODAY})
            likes = {each.ticket.id for each in corpus.known if each.group == known.group} - {ticket.id}
            about = {id_ for id_, groups in corpus.about.items() if known.group in groups}
            tickets = await search.similar_tickets(ticket, limit=SHOWN)
            articles = await search.articles(ticket, limit=SHOWN)
            asked.append(Asked(known, language, frozenset(likes | about), (), _gathered(tickets, articles)))
    return asked


def _gathered(tickets: Sequence[Source], articles: Sequence[Source]) -> tuple[Gathered, ...]:
    return number_sources(
        Gathered(kind=kind, state=GatherState.OK if found else GatherState.EMPTY, sources=tuple(found))
        for kind, found in ((SourceKind.TICKET, tickets), (SourceKind.ARTICLE, articles))
    )
