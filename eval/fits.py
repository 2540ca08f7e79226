"""How well the sources of the cases fit their tickets by the product's search, among the corpus of our own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Final

from app.core.article import Article
from app.core.tenant import Language
from app.core.ticket import Fate, Ticket
from app.db.session import Database
from eval.cases import TODAY, Case, Fit, GivenArticle, GivenTicket
from eval.corpus import TENANTS, a_search, a_tenant, load_corpus, store

_DEPTH: Final = 200
_NOW: Final = datetime.combine(TODAY, time(12), UTC)


async def find_fits(database: Database, cases: Sequence[Case]) -> dict[str, dict[str, Fit]]:
    """For each case, by the ids of its sources, the fit of those that the search shows as good matches."""
    languages = sorted({case.language for case in cases})
    return {
        name: fits
        for language in languages
        for name, fits in (
            await _fits(database, [case for case in cases if case.language == language], language)
        ).items()
    }


def history(cases: Sequence[Case]) -> tuple[list[Ticket], list[Article]]:
    """The tickets and articles of the corpus and of *cases*."""
    corpora = [load_corpus(name) for name in TENANTS]
    tickets = [known.ticket for corpus in corpora for known in corpus.known]
    articles = [article for corpus in corpora for article in corpus.articles]
    tickets += [_ticket(case, given) for case in cases for given in case.tickets]
    articles += [_article(case, given) for case in cases for given in case.articles]
    return tickets, articles


async def _fits(database: Database, cases: Sequence[Case], language: Language) -> dict[str, dict[str, Fit]]:
    """All cases of a language are asked of one tenant, which holds the sources of all of them and the corpus."""
    tenant = a_tenant(f"cases-{language}", language)
    await store(database, tenant, *history(cases))
    search, found = a_search(database, tenant), {}
    for case in cases:
        asked = case.asked.model_copy(update={"created_at": _NOW})
        ranked = {
            source.id: Fit(score=round(source.score, 3), closeness=source.closeness, among=source.among)
            for find in (search.similar_tickets, search.articles)
            for source in await find(asked, limit=_DEPTH)
        }
        own = {f"{case.name}-{id_}": id_ for id_ in case.relevance}
        found[case.name] = {own[id_]: fit for id_, fit in ranked.items() if id_ in own}
    return found


def _ticket(case: Case, given: GivenTicket) -> Ticket:
    at = datetime.combine(given.resolved, time(9), UTC)
    return Ticket(
        id=f"{case.name}-{given.id}",
        subject=given.title,
        description=given.problem,
        resolution=given.resolution,
        status=given.outcome,
        fate=Fate.CLOSED,
        created_at=at,
        updated_at=at,
        resolved_at=at,
    )


def _article(case: Case, given: GivenArticle) -> Article:
    at = datetime.combine(given.updated, time(9), UTC)
    return Article(id=f"{case.name}-{given.id}", title=given.title, text=given.text, updated_at=at)
