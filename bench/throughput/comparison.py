"""Two sides in turn (A B A B …), pair by pair, as a table of both figures and their ratio."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bench.throughput.measures import Bench, Figures, Side
from demo.failure import RunFailed

NOISE: Final = 0.2
"""Cores that other processes may take in a pair."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a row is to be, in most rows as the ratio of ours to the peer's."""

    bound: float
    same_work: float | None = None
    """Beside the peer that does the same work, if that has a goal of its own."""
    is_least: bool = False
    """*bound* is the least, not the most."""
    is_own: bool = False
    """Of our figure by itself."""

    def told(self, value: float, *, is_same_work: bool) -> str:
        """The goal, and whether *value* meets it; empty: there is none beside this peer."""
        bound = self.same_work if is_same_work else self.bound
        if bound is None:
            return ""
        sign, is_met = ("≥", value >= bound) if self.is_least else ("≤", value <= bound)
        if is_met:
            return f"{sign} {bound:g}: met"
        by = max(value, bound) / min(value, bound)
        return f"{sign} {bound:g}: missed, {by:.{1 if by >= 2 else 2}f} times"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    key: str
    """In `Figures.values`."""
    title: str
    goal: Goal | None = None
    digits: int = 0
    """Decimals of its figures."""


ROWS: Final = (
    Row("accepted/s", "accepted webhooks/s, 32 connections, committed before 202", Goal(13, is_least=True)),
    Row("API µs, saturated", "API CPU µs a webhook, saturated"),
    Row("API µs, 50", "the same at 50/s", Goal(0.17)),
    Row("API, 50 to saturated", "the same at 50/s, of that saturated", Goal(1.3, is_own=True), digits=1),
    Row("API µs, 200", "the same at 200/s"),
    Row("PostgreSQL µs a webhook, saturated", "PostgreSQL CPU µs a webhook, saturated"),
    Row("PostgreSQL µs a webhook, 50", "the same at 50/s"),
    Row("answer p50 ms, 50", "p50 of the answer at 50/s, ms", digits=1),
    Row("answer p99 ms, 50", "p99 of the answer at 50/s, ms", digits=1),
    Row("answer p99 ms, third", "p99 of the answer at a third of the peer's saturation, ms", Goal(0.33), digits=1),
    Row("notes/s, few", "notes/s at model latency 0, as configured", digits=1),
    Row("worker ms, few", "worker CPU ms a delivery", Goal(1, same_work=0.17), digits=1),
    Row("PostgreSQL ms, few", "PostgreSQL CPU ms a delivery", Goal(2.5), digits=1),
    Row("first note s, few", "first note after the worker's start, s", Goal(0.6, same_work=0.6), digits=2),
    Row(
        "notes/s, many",
        "notes/s at model latency 2 s; ours 400 in work, the peer 100 threads",
        Goal(4, is_least=True),
        digits=1,
    ),
    Row("worker ms, many", "worker CPU ms a delivery then", digits=1),
    Row("PSS MiB, many", "worker PSS MiB then"),
    Row("PSS MiB in work, many", "the same for each that is in work", Goal(0.33), digits=2),
    Row("webhook to note p50 ms, 4/s", "webhook to note at 4/s, p50 ms"),
    Row("webhook to note p99 ms, 4/s", "the same, p99 ms"),
    Row("webhook to note p50 ms, 20/s", "webhook to note at 20/s, p50 ms", Goal(0.67)),
    Row("webhook to note p99 ms, 20/s", "the same, p99 ms", Goal(0.67)),
)


@dataclass(frozen=True, slots=True)
class Pair:
    a: Figures
    b: Figures

    @property
    def others(self) -> float:
        return max(self.a.others, self.b.others)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a comparison is made."""

    bench: Bench
    pairs: int
    repeats: int
    """How many pairs are measured again."""
    deliveries: int
    """How many are due when a worker starts."""


async def measure_pairs(
    plan: Plan, sides: tuple[Side, Side], *, parts: Sequence[str], third: float, tell: Callable[[str], None]
) -> list[Pair]:
    """The pairs; one that is noisy or in which something failed is told of and measured again."""
    kept: list[Pair] = []
    repeats = plan.repeats
    while len(kept) < plan.pairs:
        pair = Pair(Figures(), Figures())
        try:
            for side, own in zip(sides, (pair.a, pair.b), strict=True):
                await _measure(plan, side, own, parts=parts, third=third)
                tell(f"  {side.name}: " + "; ".join(f"{key} {value:.4g}" for key, value in own.values.items()))
        except RunFailed as error:
            if not repeats:
                raise
            repeats -= 1
            tell(f"failed: {error}; this pair is measured again")
            continue
        if pair.others > NOISE and repeats:
            repeats -= 1
            tell(f"noisy: other processes took {pair.others:.2f} cores; this pair is measured again")
            continue
        tell(f"pair {len(kept) + 1} of {plan.pairs}; other processes took {pair.others:.2f} cores at most")
        kept.append(pair)
    return kept


async def _measure(plan: Plan, side: Side, own: Figures, *, parts: Sequence[str], third: float) -> None:
    if "intake" in parts:
        await plan.bench.intake(side, own, third=third)
    if "worker" in parts or "few" in parts:
        await plan.bench.work(side, own, slots="few", deliveries=plan.deliveries)
    if "worker" in parts:
        await plan.bench.work(side, own, slots="many", deliveries=plan.deliveries)
    if "way" in parts:
        await plan.bench.way(side, own)


def table(sides: tuple[Side, Side], pairs: Sequence[Pair]) -> str:
    """The rows that were measured, in Markdown: medians, the ratio with its lowest and highest value, and the goal."""
    is_peer, is_same_work = sides[1].name.startswith("peer"), sides[1].name == "peer_same"
    noisy = sum(pair.others > NOISE for pair in pairs)
    lines = [
        f"{datetime.now(UTC):%d %B %Y}, {len(pairs)} pairs"
        + (
            f", {noisy} of them noisy (other processes took up to {max(p.others for p in pairs):.2f} cores)"
            * bool(noisy)
        ),
        "",
        f"| one core | {sides[0].name} | {sides[1].name} | ratio | goal |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in ROWS:
        both = [
            (p.a.values[row.key], p.b.values[row.key]) for p in pairs if row.key in p.a.values and row.key in p.b.values
        ]
        if not both:
            continue
        ratios = [a / b for a, b in both if b]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})" if ratios else "–"
        figures = (_spread([each[side] for each in both], row.digits) for side in (0, 1))
        goal = ""
        if is_peer and row.goal and ratios:
            value = statistics.median([own for own, _ in both] if row.goal.is_own else ratios)
            goal = row.goal.told(value, is_same_work=is_same_work)
        lines.append(f"| {row.title} | {' | '.join(figures)} | {spread} | {goal} |")
    return "\n".join(lines)


def _spread(values: Sequence[float], digits: int) -> str:
    middle = f"{statistics.median(values):,.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"
