"""The table of docs/growth.md, and the plans, which are printed alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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


def plans(meter: Meter) -> str:
    """Each statement of a call with its pages, and how it reads each table, with how often and the pages for it."""
    lines = []
    for name in PURPOSES:
        if name in meter.found:
            lines += [f"**{name}**", "", *(f"- {each}" for each in _lines(meter.found[name])), ""]
    return "\n".join(lines)


def _lines(found: Sequence[Plan]) -> list[str]:
    """A line for each statement on a table; one that was asked for each tenant is told once, by its most costly run."""
    found = [plan for plan in found if plan.scans]
    counts = Counter(plan.name for plan in found)
    worst = {plan.name: plan for plan in sorted(found, key=lambda plan: plan.buffers)}
    return [f"{count:,} times: {worst[name].line}" if count > 1 else worst[name].line for name, count in counts.items()]


def write(page: Path, generated: str) -> None:
    """Put *generated* in place of what follows the mark in *page*."""
    head = page.read_text("utf-8").partition(MARK)[0]
    page.write_text(f"{head}{MARK}\n{generated}", encoding="utf-8")
