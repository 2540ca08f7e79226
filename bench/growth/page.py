"""The table of docs/growth.md, and the file of the plans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.growth.hot import PURPOSES, Meter
from bench.growth.plans import Plan

MARK: Final = "<!-- What follows is written by `make bench-growth`. -->"


def render(meters: Mapping[str, Meter]) -> str:
    """A table of times and pages at each size."""
    sizes = list(meters)
    lines = [
        "",
        "## Times and pages",
        "",
        "Median and p95 in ms; PostgreSQL's CPU in ms, and the pages of 8 kB that it looked at for one call.",
        "",
        f"| call | what for | {' | '.join(sizes)} |",
        f"| --- | --- | {' | '.join('---' for _ in sizes)} |",
    ]
    for name, purpose in PURPOSES.items():
        cells = [
            f"{meter.median(name):.1f}, {meter.p95(name):.1f}; {meter.cpu_ms(name):.1f}; {meter.pages(name):,}"
            for meter in meters.values()
            if name in meter.times
        ]
        if cells:
            lines.append(f"| {name} | {purpose} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def plans(meter: Meter, size: str) -> str:
    """A text: each statement of a call on a table, and its plan."""
    lines = [
        f"At {size}.",
        "Written by `make bench-growth`: EXPLAIN (ANALYZE, BUFFERS) of the product's own connections, by auto_explain.",
        "Pages are of 8 kB. Of a statement that ran several times: the run that looked at most. Conditions are cut.",
    ]
    for name, purpose in PURPOSES.items():
        if name in meter.found:
            lines += ["", "", f"{name.upper()}: {purpose}", *_of_call(meter.found[name])]
    return "\n".join([*lines, ""])


def _of_call(found: Sequence[Plan]) -> Iterator[str]:
    """Of each statement, once: its most costly run."""
    counts = Counter(plan.name for plan in found)
    worst = {plan.name: plan for plan in sorted(found, key=lambda plan: plan.buffers)}
    for name, count in counts.items():
        plan, often = worst[name], f", asked {count:,} times" if count > 1 else ""
        yield from ("", f"{name}, {plan.buffers:,} pages, {plan.ms:.1f} ms{often}", plan.tree)


def write(page: Path, generated: str) -> None:
    """Put *generated* in place of what follows the mark in *page*."""
    head = page.read_text("utf-8").partition(MARK)[0]
    page.write_text(f"{head}{MARK}\n{generated}", encoding="utf-8")
