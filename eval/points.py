"""What the confidence of notes is fitted to and judged by: tickets with a leading source, labelled as right or not.

The leading source is the one that the offline model cites, and beside it the search's first ticket and first article
where that cites another, since other models choose otherwise. It is right when it is of the same problem, as labelled:
in the cases a relevance of 2, in the corpus the same group, in the larger public set by real_labels.txt.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from app.core.check.checking import Checker
from app.core.confidence import Evidence, cited_refs, find_evidence
from app.core.enhancement import Draft, Kept, salvage
from app.core.masking import Mask
from app.core.source import Gathered, GatherState, Source, SourceKind, number_sources
from app.core.tenant import Language, NoteOptions
from app.core.ticket import Ticket
from app.db.session import Database
from app.enhancement.portion import Portion
from app.enhancement.write import compose_messages
from app.errors import ModelRefused
from bench.retrieval import NO_REPLY, load_sample
from demo.offline_model import Chat, compose
from eval.cases import TODAY, Case, load_cases
from eval.corpus import a_search, a_tenant, open_empty_database, store
from eval.retrieval import SHOWN, Asked, leave_one_out, replay

_REAL_LABELS: Final = Path(__file__).parent / "real_labels.txt"
_REAL_BATCH: Final = 100
_TAKEN_AWAY: Final = "[link]"
_A_PAGE: Final = "https://pages.example/1"


@dataclass(frozen=True, slots=True)
class Point:
    evidence: Evidence
    is_right: bool
    origin: str
    """`cases`, `corpus` or `real`."""
    ticket: str
    """Its text."""
    is_own: bool
    """Whether the offline model's own note has this leading source."""
    is_kept_back: bool = False
    """It is used for nothing but a last look at the end of a change."""
    counts: float = 1.0
    """Of a random choice of queries it stands for so many."""


class Label(NamedTuple):
    """A line of real_labels.txt."""

    is_same: bool
    is_kept_back: bool
    counts: float
    is_related: bool | None = None
    """None: it is the same problem, or was not told apart."""


def of_cases(cases: Iterable[Case]) -> list[Point]:
    return [
        Point(evidence, case.relevance[leading] == 2, "cases", case.asked.text, is_own)
        for case in cases
        for evidence, leading, is_own in _evidence(case.asked, _gathered(case), language=case.language, today=TODAY)
    ]


def of_corpus(asked: Iterable[Asked]) -> list[Point]:
    return [
        Point(evidence, leading in each.likes, "corpus", each.known.ticket.text, is_own)
        for each in asked
        for evidence, leading, is_own in _evidence(
            each.known.as_open, each.gathered, language="de" if each.language == "de" else "en", today=TODAY
        )
    ]


def _gathered(case: Case) -> tuple[Gathered, ...]:
    sources = case.sources()
    return number_sources(
        Gathered(
            kind=kind,
            state=GatherState.UNAVAILABLE if kind in case.unavailable else GatherState.OK,
            sources=() if kind in case.unavailable else tuple(each for each in sources if each.kind is kind),
        )
        for kind in SourceKind
    )


def _evidence(
    ticket: Ticket, gathered: tuple[Gathered, ...], *, language: Language, today: date
) -> Iterator[tuple[Evidence, str, bool]]:
    """What speaks for each source that may lead, that source's id, and whether the offline model chose it: that is first."""
    sources = [
        each for group in gathered for each in group.sources if each.kind in {SourceKind.TICKET, SourceKind.ARTICLE}
    ]
    ids = {source.ref: source.id for source in sources}
    firsts = [next((each for each in sources if each.kind is kind and each.score), None) for kind in SourceKind]
    seen = set[str]()
    own = _offline(ticket, gathered, language=language, today=today)
    for kept in (
        own,
        *(_citing(source.ref) for source in firsts if source),
    ):
        evidence = kept and find_evidence(ticket, gathered, kept, today=today)
        if kept and evidence:
            leading = next(ids[ref] for ref in cited_refs(kept) if ref in ids)
            if leading not in seen:
                yield evidence, leading, kept is own
            seen.add(leading)


def _offline(ticket: Ticket, gathered: tuple[Gathered, ...], *, language: Language, today: date) -> Kept | None:
    """What is kept of the offline model's draft."""
    mask, words = Mask(), NoteOptions(language=language).max_text_words
    messages = compose_messages(ticket, Portion(gathered), mask=mask, language=language, max_words=words, today=today)
    draft: Draft = compose(Chat(messages=[{"role": each.role, "content": each.content} for each in messages]).prompt)
    try:
        return salvage(draft, Checker.of(gathered, mask=mask, language=language), max_words=words)
    except ModelRefused:
        return None


def _citing(ref: str) -> Kept:
    return Kept(facts=[], hypotheses=[], next_steps=[], questions=[], summary="", summary_citations=[ref])


def read_real_labels() -> dict[str, dict[str, Label]]:
    """By the ids of a query and of a source."""
    labels: dict[str, dict[str, Label]] = {}
    for line in _REAL_LABELS.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            query, leading, label, counts, *kept = line.split()
            is_related = {"related": True, "unrelated": False}.get(label)
            labels.setdefault(query, {})[leading] = Label(label == "same", bool(kept), float(counts), is_related)
    return labels


async def of_real(database: Database, folder: Path) -> list[Point]:
    """The labelled queries of the public set of which a labelled source may still lead. It is a replay: each is asked when
    the earlier tickets are stored, those that have a reply, as a help desk's history has those with a resolution.
    """
    return [
        point async for query, found, labels in replay_real(database, folder) for point in _points(query, found, labels)
    ]


async def replay_real(
    database: Database, folder: Path
) -> AsyncIterator[tuple[Ticket, list[Source], Mapping[str, Label]]]:
    """Each labelled query, the tickets that are shown for it, and its labels."""
    labels, tenant = read_real_labels(), a_tenant("real", "en")
    search, waiting = a_search(database, tenant), list[Ticket]()
    for ticket in load_sample(folder).tickets:
        if ticket.id in labels:
            for begin in range(0, len(waiting), _REAL_BATCH):
                await store(database, tenant, waiting[begin : begin + _REAL_BATCH])
            waiting = []
            query = ticket.model_copy(update={"resolution": "", "resolved_at": None})
            yield query, await search.similar_tickets(query, limit=SHOWN), labels[ticket.id]
        if ticket.resolution != NO_REPLY:
            waiting.append(ticket)


def _points(query: Ticket, found: Iterable[Source], labels: Mapping[str, Label]) -> list[Point]:
    """*labels*: those of this query."""
    today = query.created_at.date() if query.created_at else TODAY
    sources = tuple(_with_pages(source) for source in found)
    group = Gathered(kind=SourceKind.TICKET, state=GatherState.OK, sources=sources)
    return [
        Point(evidence, label.is_same, "real", query.text, is_own, label.is_kept_back, label.counts)
        for evidence, leading, is_own in _evidence(query, number_sources([group]), language="en", today=today)
        if (label := labels.get(leading))
    ]


def _with_pages(source: Source) -> Source:
    """*source* as it was before the makers of the public set took the addresses of pages away."""
    texts = {"text": source.text, "staff_text": source.staff_text or ""}
    return source.model_copy(update={name: text.replace(_TAKEN_AWAY, _A_PAGE) for name, text in texts.items()})


async def collect(real: Path | None) -> list[Point]:
    async with open_empty_database() as database:
        await replay(database)
        points = [*of_cases(load_cases()), *of_corpus(await leave_one_out(database))]
        return points + (await of_real(database, real) if real else [])
