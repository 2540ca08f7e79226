"""Fits the weights of `core.confidence` to labelled tickets, and says how well they are calibrated.

    python -m eval.calibration            # the error of weights that are fitted to other tickets
    python -m eval.calibration --write    # fit them to all points, and write app/core/confidence.toml

A point is a ticket with a leading source: the one that the offline model cites, and beside it the search's first ticket and
first article where that cites another, since other models choose otherwise. It is right when that source is of the same
problem, as labelled: in the cases a relevance of 2, in the corpus the same group. RETRIEVAL_DATA adds tickets of the
larger public set, whose labels are in real_labels.txt. Without them the estimates would be far too high: in texts as
people write them, and with thousands of tickets to choose from, what shares many words is seldom the same problem.

The error is cross-fitted: the estimate of a point is by weights that were fitted to the points of other tickets alone, of
four fifths of all. So all points count, in the weights and in the error: half of them are too few to tell 0.05 from 0.10.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

import click

import app.core
from app.core.confidence import Evidence, cited_refs, find_evidence, weights
from app.core.enhancement import Draft, Kept, salvage
from app.core.masking import Mask
from app.core.source import Gathered, GatherState, SourceKind, number_sources
from app.core.tenant import Language, NoteOptions
from app.core.ticket import Ticket
from app.db.session import Database
from app.enhancement.portion import Portion
from app.enhancement.write import compose_messages
from app.errors import ModelRefused
from bench.retrieval import load_sample
from demo.offline_model import Chat, compose
from eval.cases import TODAY, Case, load_cases
from eval.corpus import a_search, a_tenant, open_empty_database, store
from eval.retrieval import SHOWN, Asked, leave_one_out, open_ticket_of, replay
from eval.scores import calibration_error

_FILE: Final = Path(app.core.__path__[0]) / "confidence.toml"
_REAL_LABELS: Final = Path(__file__).parent / "real_labels.txt"
_REAL_TICKETS: Final = 6_000
_REAL_BATCH: Final = 300
_REAL_DEPTH: Final = 12
_STEPS: Final = 1_500
_RATE: Final = 2.0
_FOLDS: Final = 5
_DRAWS: Final = 1_000
_PRIOR: Final = 0.0005
"""Pulls each weight to 0 (L2), since there are few points; the bias is free."""
_SIGNS: Final = {"close": 1, "common_words": 1, "same_error": 1, "unrivalled": 1, "overtaken": -1, "is_old": -1}
"""Of each weight the sign that it may have: a few points could turn one round by chance."""
TENTHS: Final = tuple(each / 10 for each in range(1, 10))


@dataclass(frozen=True, slots=True)
class Point:
    evidence: Evidence
    is_right: bool
    part: str
    origin: str
    """`cases`, `corpus` or `real`."""
    ticket: str
    """Its text."""
    is_own: bool
    """Whether the offline model's own note has this leading source."""


Pairs = Sequence[tuple[float, bool]]
"""Of each point the estimate, and whether it is right."""


def of_cases(cases: Iterable[Case]) -> list[Point]:
    return [
        Point(evidence, case.relevance[leading] == 2, case.part, "cases", case.asked.text, is_own)
        for case in cases
        for evidence, leading, is_own in _evidence(case.asked, _gathered(case), language=case.language, today=TODAY)
    ]


def of_corpus(asked: Iterable[Asked]) -> list[Point]:
    return [
        Point(evidence, leading in each.likes, each.known.part, "corpus", each.known.ticket.text, is_own)
        for each in asked
        for evidence, leading, is_own in _evidence(
            open_ticket_of(each), each.gathered, language="de" if each.language == "de" else "en", today=TODAY
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
        return salvage(draft, gathered, max_words=words, language=language, mask=mask)
    except ModelRefused:
        return None


def _citing(ref: str) -> Kept:
    return Kept(facts=[], hypotheses=[], next_steps=[], questions=[], summary="", summary_citations=[ref])


def fit(points: Sequence[Point]) -> tuple[float, dict[str, float]]:
    """Bias and weights of a logistic function, by gradient descent."""
    names = list(_SIGNS)
    rows = [[getattr(point.evidence, name) for name in names] for point in points]
    bias, weight = 0.0, [0.0] * len(names)
    for _ in range(_STEPS):
        gone = [
            1 / (1 + math.exp(-(bias + sum(w * x for w, x in zip(weight, row, strict=True))))) - point.is_right
            for row, point in zip(rows, points, strict=True)
        ]
        bias -= _RATE * sum(gone) / len(points)
        weight = [
            _signed(
                w - _RATE * (sum(g * row[at] for g, row in zip(gone, rows, strict=True)) / len(points) + _PRIOR * w),
                _SIGNS[names[at]],
            )
            for at, w in enumerate(weight)
        ]
    return bias, dict(zip(names, weight, strict=True))


def _signed(weight: float, sign: int) -> float:
    return max(weight, 0.0) if sign > 0 else min(weight, 0.0)


def estimates(points: Sequence[Point]) -> list[tuple[Point, float]]:
    """Each point with its estimate, by weights that were fitted to the points of other tickets."""
    known = weights()
    fold = {ticket: number % _FOLDS for number, ticket in enumerate(sorted({point.ticket for point in points}))}
    told = []
    for number in range(_FOLDS):
        bias, weight = fit([point for point in points if fold[point.ticket] != number])
        fitted = replace(known, bias=bias, weight=weight)
        told += [(point, fitted.share(point.evidence)) for point in points if fold[point.ticket] == number]
    return told


def errors(pairs: Pairs) -> dict[str, float]:
    """Number, share of right ones, the calibration error over the three levels and over tenths, and that over the levels
    which an exact estimate would have at the most, in 19 of 20 draws of as many points.
    """
    edges, chance = (weights().medium, weights().high), random.Random(1)
    drawn = sorted(
        calibration_error([(share, chance.random() < share) for share, _ in pairs], edges) for _ in range(_DRAWS)
    )
    return {
        "points": len(pairs),
        "right": sum(right for _, right in pairs) / max(len(pairs), 1),
        "levels": calibration_error(pairs, edges),
        "tenths": calibration_error(pairs, TENTHS),
        "exact": drawn[int(_DRAWS * 0.95)],
    }


def levels(pairs: Pairs) -> dict[str, tuple[int, float, float]]:
    """By level: how many points, their mean estimate, and the share of right ones."""
    grouped: dict[str, list[tuple[float, bool]]] = {}
    for share, right in pairs:
        grouped.setdefault(weights().level(share).value, []).append((share, right))
    return {
        level: (len(own), sum(s for s, _ in own) / len(own), sum(r for _, r in own) / len(own))
        for level, own in grouped.items()
    }


def describe(points: Sequence[Point]) -> list[str]:
    """Lines of Markdown: the levels, then the error of all, of each origin, and of the offline model's own notes."""
    told = estimates(points)
    rows = ["| level | points | estimated | right |", "| --- | --- | --- | --- |"]
    found = levels([(share, point.is_right) for point, share in told])
    for level in ("high", "medium", "low"):
        if level in found:
            number, share, right = found[level]
            rows.append(f"| {level} | {number} | {share:.2f} | {right:.2f} |")
    rows.append("")
    sets: dict[str, Callable[[Point], bool]] = {
        "all": lambda _: True,
        "the offline model's own notes": lambda point: point.is_own,
        **{origin: lambda point, origin=origin: point.origin == origin for origin in ("cases", "corpus", "real")},  # type: ignore[misc]
    }
    for name, belongs in sets.items():
        pairs = [(share, point.is_right) for point, share in told if belongs(point)]
        if pairs:
            own = errors(pairs)
            rows.append(
                f"- {name}: {own['points']} points, {100 * own['right']:.0f} % right, error {own['levels']:.3f} over the levels"
                f" (an exact estimate: up to {own['exact']:.3f}), {own['tenths']:.3f} over tenths."
            )
    return rows


async def of_real(database: Database, folder: Path) -> list[Point]:
    """The labelled queries of the public set of which the labelled source may still lead."""
    tickets = load_sample(folder).tickets[:_REAL_TICKETS]
    tenant = a_tenant("real", "en")
    for begin in range(0, len(tickets), _REAL_BATCH):
        await store(database, tenant, tickets[begin : begin + _REAL_BATCH])
    search, known, points = a_search(database, tenant), {ticket.id: ticket for ticket in tickets}, []
    rows = [line.split() for line in _REAL_LABELS.read_text("utf-8").splitlines() if not line.startswith("#")]
    for number, (query, labelled, label) in enumerate(rows):
        ticket = known[query].model_copy(update={"resolution": ""})
        today = ticket.created_at.date() if ticket.created_at else TODAY
        found = await search.similar_tickets(ticket, limit=_REAL_DEPTH)
        earlier = [source for source in found if source.resolved_on and source.resolved_on <= today][:SHOWN]
        group = Gathered(kind=SourceKind.TICKET, state=GatherState.OK, sources=tuple(earlier))
        points += [
            Point(evidence, label == "same", "held" if number % 2 else "dev", "real", ticket.text, is_own)
            for evidence, leading, is_own in _evidence(ticket, number_sources([group]), language="en", today=today)
            if leading == labelled
        ]
    return points


async def collect(real: Path | None) -> list[Point]:
    async with open_empty_database() as database:
        await replay(database)
        points = [*of_cases(load_cases()), *of_corpus(await leave_one_out(database))]
        return points + (await of_real(database, real) if real else [])


def _write(bias: float, weight: dict[str, float], number: int) -> None:
    known = weights()
    lines = [
        f"# Fitted by `python -m eval.calibration --write` to {number} points, {TODAY.isoformat()};",
        "# docs/quality.md says how well it is calibrated. The levels are set by hand.",
        f"bias = {bias:.2f}",
        "",
        "[weight]",
        *(f"{name} = {value:.2f}" for name, value in weight.items()),
        "",
        "[level]",
        f"medium = {known.medium}",
        f"high = {known.high}",
        f"nothing = {known.nothing}",
    ]
    _FILE.write_text("\n".join(lines) + "\n", "utf-8")
    weights.cache_clear()


@click.command()
@click.option("--write", is_flag=True, help="Fit the weights and write them; needs the real tickets.")
@click.option("--real", envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path), help="Folder of real tickets.")
def main(*, write: bool, real: Path | None) -> None:
    """How well the confidence of notes is calibrated."""
    if write and real is None:
        raise click.UsageError("--write needs RETRIEVAL_DATA: made-up tickets alone give estimates that are too high")
    points = asyncio.run(collect(real))
    if write:
        _write(*fit(points), len(points))
    print("\n".join(describe(points)))


if __name__ == "__main__":
    main()
