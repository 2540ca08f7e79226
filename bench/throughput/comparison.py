"""Two sides in turn (A B A B …), pair by pair, as a table of both figures and their ratio."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bench.throughput.measures import Bench, Figures, Side

NOISE: Final = 0.2
"""Cores that other processes may take in a pair."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    key: str
    """In `Figures.values`."""
    title: str
    goal: str = ""
    digits: int = 0
    """Decimals of its figures."""


ROWS: Final = (
    Row("accepted/s", "accepted webhooks/s, 32 connections, committed before 202", "≥ 13"),
    Row("API µs, saturated", "API CPU µs a webhook, saturated"),
    Row("API µs, 50", "the same at 50/s", "≤ 0.17"),
    Row("API µs, 200", "the same at 200/s"),
    Row("PostgreSQL µs a webhook, saturated", "PostgreSQL CPU µs a webhook, saturated"),
    Row("PostgreSQL µs a webhook, 50", "the same at 50/s"),
    Row("answer p50 ms, 50", "p50 of the answer at 50/s, ms", digits=1),
    Row("answer p99 ms, 50", "p99 of the answer at 50/s, ms", digits=1),
    Row("answer p99 ms, third", "p99 of the answer at a third of the peer's saturation, ms", "≤ 0.33", digits=1),
    Row("notes/s, few", "notes/s at model latency 0, as configured", digits=1),
    Row("worker ms, few", "worker CPU ms a delivery", "≤ 1; same work ≤ 0.17", digits=1),
    Row("PostgreSQL ms, few", "PostgreSQL CPU ms a delivery", digits=1),
    Row("first note s, few", "first note after the worker's start, s", "≤ 0.6", digits=2),
    Row("notes/s, many", "notes/s at model latency 2 s; ours 400 in work, the peer 100 threads", "≥ 4", digits=1),
    Row("worker ms, many", "worker CPU ms a delivery then", digits=1),
    Row("PSS MiB, many", "worker PSS MiB then"),
    Row("webhook to note p50 ms, 4/s", "webhook to note at 4/s, p50 ms"),
    Row("webhook to note p99 ms, 4/s", "the same, p99 ms"),
    Row("webhook to note p50 ms, 20/s", "webhook to note at 20/s, p50 ms", "≤ 0.67"),
    Row("webhook to note p99 ms, 20/s", "the same, p99 ms", "≤ 0.67"),
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
    """How many noisy pairs are measured again."""
    deliveries: int
    """How many are due when a worker starts."""


async def measure_pairs(
    plan: Plan, sides: tuple[Side, Side], *, parts: Sequence[str], third: float, tell: Callable[[str], None]
) -> list[Pair]:
    """The pairs; a noisy one is told of and measured again."""
    kept: list[Pair] = []
    repeats = plan.repeats
    while len(kept) < plan.pairs:
        figures = (Figures(), Figures())
        for side, own in zip(sides, figures, strict=True):
            if "intake" in parts:
                await plan.bench.intake(side, own, third=third)
            if "worker" in parts or "few" in parts:
                await plan.bench.work(side, own, slots="few", deliveries=plan.deliveries)
            if "worker" in parts:
                await plan.bench.work(side, own, slots="many", deliveries=plan.deliveries)
            if "way" in parts:
                await plan.bench.way(side, own)
            tell(f"  {side.name}: " + "; ".join(f"{key} {value:.4g}" for key, value in own.values.items()))
        pair = Pair(*figures)
        if pair.others > NOISE and repeats:
            repeats -= 1
            tell(f"noisy: other processes took {pair.others:.2f} cores; this pair is measured again")
            continue
        tell(f"pair {len(kept) + 1} of {plan.pairs}; other processes took {pair.others:.2f} cores at most")
        kept.append(pair)
    return kept


def table(sides: tuple[Side, Side], pairs: Sequence[Pair]) -> str:
    """The rows that were measured, in Markdown: medians, and the ratio with its smallest and largest value."""
    has_goals = sides[1].name.startswith("peer")
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
        lines.append(f"| {row.title} | {' | '.join(figures)} | {spread} | {row.goal * has_goals} |")
    return "\n".join(lines)


def _spread(values: Sequence[float], digits: int) -> str:
    middle = f"{statistics.median(values):,.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"
