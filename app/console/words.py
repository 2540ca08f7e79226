"""Formats times, amounts and names for people. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from app.core.completion import Option
from app.core.outcome import Ending
from app.core.source import SourceKind
from app.core.steps import StepName

STEP_NAMES: Final[Mapping[str, str]] = {
    StepName.LOAD: "Read the ticket",
    StepName.RESERVE: "Check whether a note is needed",
    SourceKind.TICKET: "Similar tickets",
    SourceKind.ARTICLE: "Knowledge articles",
    SourceKind.ASSET: "Assets and addresses",
    SourceKind.DOCUMENT: "Documentation",
    SourceKind.MEASUREMENT: "Monitoring",
    StepName.ABOUT_REQUESTER: "The requester",
    StepName.STORM: "Others with this problem",
    StepName.WRITE: "Ask the model",
    StepName.CHECK: "Check the answer",
    StepName.SECOND_OPINION: "Ask a second model",
    StepName.SHOW: "Prepare the note",
    StepName.STORM_NOTE: "Keep the note on the first ticket with this problem",
    StepName.POST_NOTE: "Post the note",
    StepName.WRITE_FIELDS: "Fill in the ticket's fields",
}
OUTCOMES: Final[Mapping[str, str]] = {
    Ending.ENHANCED: "Note posted",
    Ending.CONTEXT_ONLY: "Note posted without the model",
    Ending.SHADOWED: "Note written and kept back: shadow mode",
    Ending.IGNORED: "No note needed",
    Ending.FAILED: "Failed",
    Ending.RETRIED: "Failed, will be tried again",
    Ending.THROTTLED: "Waits for the limit of calls to the help desk",
    Ending.HELD: "Waits; this attempt does not count",
    Ending.DEGRADED: "Note posted without the model, which should have written it",
    Ending.LEFT_TO_LEASE: "The database could not be told; another attempt follows",
    Ending.LEASE_LOST: "Another worker took over",
}
EVENTS: Final = {"ticket_created": "created", "ticket_updated": "updated", "ticket_resolved": "resolved"}
CAUSES: Final = {
    "paused": "Paused",
    "help_desk": "Help desk out",
    "calls": "Call limit",
    "model": "Model out",
    "monitoring": "Monitoring out",
    "documentation": "Documentation out",
}


def duration(seconds: float) -> str:
    """`340 ms`, `4.2 s`, `3 min`, `5 h`, `2 d`."""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 10:  # noqa: PLR2004 - from 10 s on without decimals
        return f"{seconds:.1f} s"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def ago(time: datetime | None, now: datetime) -> str:
    """`12 s ago`; `never` for None."""
    return "never" if time is None else f"{duration(max((now - time).total_seconds(), 1))} ago"


def money(amount: Decimal | float) -> str:
    """US dollars, small amounts with more decimals."""
    value = float(amount)
    if 0 < value < 1:
        return f"${value:.4f}".rstrip("0").ljust(5, "0") if value >= 0.00005 else "< $0.0001"  # noqa: PLR2004
    return f"${value:,.2f}"


def number(value: float) -> str:
    """`1,234`, `56.7k`, `1.2M`."""
    for unit, size in (("M", 999_950), ("k", 10_000)):
        if value >= size:
            return f"{value / (1_000_000 if unit == 'M' else 1_000):.1f}{unit}"
    return f"{value:,.0f}"


def about(is_estimated: object) -> str:
    """What stands before a figure that is partly estimated."""
    return "about " if is_estimated else ""


def option_words(name: str) -> str:
    """What a model can be asked without; a name of another release as it is."""
    return Option(name).words if name in set(Option) else name


def clock(time: datetime) -> str:
    """`25 Nov 14:03:12`, UTC."""
    return f"{time.astimezone(UTC):%d %b %H:%M:%S}"


def percent(part: float, whole: float) -> str:
    """`98.5 %`; never rounded up to 100."""
    if not whole:
        return "—"
    share = 100 * part / whole
    return "100 %" if part == whole else f"{min(share, 99.9):.1f} %"
