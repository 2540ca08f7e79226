"""What `make eval` prints, and the tables of docs/quality.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any, Final

from eval import calibration
from eval.cases import Fit, Kind
from eval.points import Point
from eval.retrieval import Asked
from eval.scores import Interval, interval
from eval.writing import SHARES

QUALITY: Final = Path(__file__).parents[1] / "docs" / "quality.md"
BEGIN, END = "<!-- make eval: begin -->", "<!-- make eval: end -->"

Line = dict[str, Any]

_OF_SEARCH: Final[dict[str, Callable[[Asked], float | None]]] = {
    "MAP": lambda each: each.precision,
    "recall@5": lambda each: each.recall(5),
    "recall@20": lambda each: each.recall(20),
    "the first ticket that is shown is the same problem": lambda each: each.first_is_right,
    "nothing is shown where there is nothing": lambda each: each.silent_where_nothing_is,
}


@dataclass(frozen=True, slots=True)
class Found:
    """All that was measured."""

    lines: Sequence[Line]
    asked: Sequence[Asked]
    points: Sequence[Point]
    fits: dict[str, dict[str, Fit]]
    agreement: dict[bool, Interval]
    """Of the product's own check with the labels of judge_labels.txt, for what is said and for what is not."""
    public: dict[str, Interval] = field(default_factory=dict)
    """What the search finds in the larger public set; empty: it was not measured."""


def summarize(lines: Sequence[Line]) -> dict[str, Interval]:
    """For each share its mean over the cases, with its interval; the runs of a case are averaged first."""
    told: dict[str, Interval] = {}
    for name in SHARES:
        by_case: dict[str, list[float]] = {}
        for line in lines:
            if line[name] is not None:
                by_case.setdefault(line["case"], []).append(line[name])
        found = interval(mean(values) for values in by_case.values())
        if found:
            told[name] = found
    return told


def search_figures(asked: Sequence[Asked], part: str | None = None) -> dict[str, Interval]:
    """What the search finds in the corpus of our own; *part*: None: in all of it."""
    own = [each for each in asked if part in {None, each.known.part}]
    told = {name: interval(figure(each) for each in own) for name, figure in _OF_SEARCH.items()}
    return {name: found for name, found in told.items() if found is not None}


def by_model(lines: Sequence[Line]) -> dict[str, list[Line]]:
    grouped: dict[str, list[Line]] = {}
    for line in lines:
        grouped.setdefault(line["model"], []).append(line)
    return grouped


def text(found: Found) -> str:
    """The tables, as Markdown."""
    parts = [part for model, lines in by_model(found.lines).items() for part in _writing(model, lines)]
    if found.asked:
        parts += _retrieval(found.asked)
    if found.public:
        told = ", ".join(f"{name} {each}" for name, each in found.public.items())
        number = next(iter(found.public.values())).number
        parts += [f"The search on the larger public set, the {number} queries that were tuned on: {told}.", ""]
    if found.points:
        parts += _calibration(found.points)
    said, not_said = found.agreement[True], found.agreement[False]
    parts.append(
        f"The product's own check, on {said.number + not_said.number} labels: it accepts {said} % of what the passage says,"
        f" and refuses {not_said} % of what it does not say."
    )
    return "\n".join(parts)


def write_tables(found: Found) -> None:
    """Put the tables between the two marks of docs/quality.md."""
    page = QUALITY.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    QUALITY.write_text(f"{before}{BEGIN}\n\n{text(found)}\n\n{END}{after}", "utf-8")


def _writing(model: str, lines: Sequence[Line]) -> list[str]:
    cases = {line["case"] for line in lines}
    runs = max(line["run"] for line in lines) + 1
    told = "one run each: it gives the same answer each time" if model.startswith("offline") else f"{runs} runs each"
    costs = [line["cost_usd"] for line in lines if line["cost_usd"] is not None]
    words, seconds = [line["words"] for line in lines], [line["seconds"] for line in lines]
    cost = f"{mean(costs):.5f} US dollars" if costs else "cost not known"
    head = (
        f"**{model}**, prompt `{lines[0]['prompt']}`, {len(cases)} cases, {told}. A note: {median(words):.0f} words"
        f" (most {max(words)}), {cost}, {median(line['tokens'] for line in lines):.0f} tokens,"
        f" {median(seconds):.2f} s."
    )
    rows = [
        head,
        "",
        "| % (95 % interval) | all | dev | held out |",
        "| --- | --- | --- | --- |",
    ]
    parts = [summarize([each for each in lines if part in {None, each["part"]}]) for part in (None, "dev", "held")]
    for name, label in SHARES.items():
        columns = [str(part.get(name, "–")) for part in parts]
        rows.append(f"| {label} | " + " | ".join(columns) + " |")
    if any("judged" in line for line in lines):
        for at, label in enumerate(("citation recall, by the judge", "citation precision, by the judge")):
            judged = interval(line["judged"]["judge"][at] for line in lines if "judged" in line)
            rows.append(f"| {label} | {judged} | | |")
    rows += [
        "",
        "| kind of case | must be said | must be cited | nothing forbidden | right confidence |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind in Kind:
        own = [line for line in lines if line["kind"] == kind]
        if own:
            shares = [_mean(own, name) for name in ("must", "must_cite", "must_not", "confidence_right")]
            rows.append(
                f"| {kind.replace('_', ' ')} ({len({each['case'] for each in own})}) | " + " | ".join(shares) + " |"
            )
    return [*rows, ""]


def _mean(lines: Sequence[Line], name: str) -> str:
    there = [line[name] for line in lines if line[name] is not None]
    return f"{100 * mean(there):.0f}" if there else "–"


def _retrieval(asked: Sequence[Asked]) -> list[str]:
    rows = [
        "The search on the corpus of our own, replayed by time:",
        "",
        "| % (95 % interval) | all | dev | held out |",
        "| --- | --- | --- | --- |",
    ]
    parts = [search_figures(asked, part) for part in (None, "dev", "held")]
    for name, told in parts[0].items():
        columns = [str(part.get(name, "–")) for part in parts]
        rows.append(f"| {name} ({told.number}) | " + " | ".join(columns) + " |")
    return [*rows, ""]


def _calibration(points: Sequence[Point]) -> list[str]:
    title = (
        "Confidence: how likely the leading source is the same problem, as estimated (cross-fitted) and as labelled:"
    )
    return [title, "", *calibration.describe(points), ""]
