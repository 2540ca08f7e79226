"""The generated part of docs/growth.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.growth.hot import PURPOSES, Meter
from bench.growth.plans import Plan

MARK: Final = "<!-- What follows is written by `make bench-growth`. -->"
_MOST_CHARS: Final = 390


def render(meters: Mapping[str, Meter]) -> str:
    """A table of times and pages at each size, and the plans at each of them."""
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
    last = meters[sizes[-1]]
    lines += [
        "",
        "## Plans",
        "",
        f"At the size {sizes[-1]}: each statement of a call with the pages that it looked at,",
    ]
    lines += ["and how it reads each table, with how often and the pages for it.", ""]
    for name in PURPOSES:
        if name in last.found:
            lines += [f"**{name}**", "", *(f"- {each}" for each in _plans(last.found[name])), ""]
    return "\n".join(lines)


def _plans(plans: Sequence[Plan]) -> list[str]:
    """A line for each statement on a table; one that was asked for each tenant is told once, by its most costly run."""
    plans = [plan for plan in plans if plan.scans]
    counts = Counter(plan.name for plan in plans)
    worst = {plan.name: plan for plan in sorted(plans, key=lambda plan: plan.buffers)}
    lines = []
    for name, count in counts.items():
        line = f"{count:,} times: {worst[name].line}" if count > 1 else worst[name].line
        lines.append(line if len(line) < _MOST_CHARS else f"{line[:_MOST_CHARS]}…")
    return lines


def write(page: Path, generated: str) -> None:
    """Put *generated* in place of what follows the mark in *page*."""
    head = page.read_text("utf-8").partition(MARK)[0]
    page.write_text(f"{head}{MARK}\n{generated}", encoding="utf-8")
