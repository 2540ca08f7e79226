"""Times, sums and errors as a person says them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from app.core.delivery import DISMISSED


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an error means, and what to do about it."""

    meaning: str
    remedy: str


_KNOWN: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), Explanation(meaning, remedy))
    for pattern, meaning, remedy in (
        (
            r"does not accept our credentials|accounts server.*refus",
            "The help desk does not accept our key.",
            "Put the key of a technician who may add notes into the tenant's secret; it is read at once. Replay.",
        ),
        (
            r"forbids this",
            "Our technician at the help desk may not do this.",
            "Give its role the right to read requests and to add notes. Then replay.",
        ),
        (
            r"throttles our calls|calls_per_minute|turn",
            "The help desk allows no more calls at the moment.",
            "Nothing: it goes on by itself. If it happens often, lower calls_per_minute.",
        ),
        (
            r"ServiceDesk Plus has no ticket",
            "The ticket does not exist any more, or never did on this help desk.",
            "If it was deleted, dismiss this delivery. If not, check servicedesk.url of the tenant.",
        ),
        (
            r"ServiceDesk Plus failed on its side|accounts server .*failed",
            "The tenant's help desk had an error of its own each time we called it.",
            "Check the connection on the tenant's page. When the help desk is well again, replay.",
        ),
        (
            r"did not take the note in time",
            "The help desk was too slow to take the note.",
            "Replay: the ticket is looked at first, so no note is doubled.",
        ),
        (
            r"no connection was made|connection broke off|host name is not known|no answer|time is up|timed? ?out",
            "The tenant's help desk could not be reached.",
            "Check the connection on the tenant's page: address, firewall, or an outage there. Then replay.",
        ),
        (
            r"TLS certificate",
            "The help desk shows a certificate that can't be verified.",
            "Renew it there, or name its authority by SSL_CERT_FILE. Then replay.",
        ),
        (
            r"redirects our calls|has no such thing|did not take our call|not ServiceDesk Plus's JSON",
            "Something else than ServiceDesk Plus answered at this address.",
            "Check servicedesk.url and servicedesk.edition in the tenant's file. Then replay.",
        ),
        (
            r"mandatory field",
            "The help desk wants a field that our note does not have.",
            "Check servicedesk.note_key in the tenant's file. Then replay.",
        ),
        (
            r"no tenant's file has the id|secret .* is missing",
            "The tenant's file or one of its secrets is not there.",
            "Add it. Then replay.",
        ),
        (
            r"worker ended each time",
            "The worker stopped in the middle, each time.",
            "Look at the workers' logs and memory before you replay.",
        ),
        (
            r"took longer than",
            "The attempt took longer than it may.",
            "Look at its steps below for the slow one. Then replay.",
        ),
        (
            r"internal error",
            "A fault of ours. The log has the details.",
            "Report it with the job id. A replay may work.",
        ),
        (
            r"refused the call",
            "The help desk refused the call for good.",
            "Look up the code: a field, a right or the ticket's state has to change before a replay can work.",
        ),
        (r"suspended", "The tenant is suspended in its file.", "Nothing, if that is meant."),
        (r"model", "The model could not be used.", "Replay when it answers again."),
        (r"PostgreSQL|database", "The database was out.", "Replay when it is back."),
    )
)
_UNKNOWN: Final = Explanation(
    "This error has no explanation yet.", "Its words below are what is known. A replay may work."
)
STEP_NAMES: Final = {
    "load": "Read the ticket",
    "reserve": "Check whether a note is needed",
    "similar_tickets": "Similar tickets",
    "knowledge": "Knowledge articles",
    "assets": "Assets and addresses",
    "monitoring": "Monitoring",
    "write": "Ask the model",
    "check": "Check the answer",
    "show": "Prepare the note",
    "post_note": "Post the note",
}
OUTCOMES: Final = {
    "enhanced": "Note posted",
    "context_only": "Note posted without the model",
    "ignored": "No note needed",
    "failed": "Failed",
    "retried": "Failed, will be tried again",
    "throttled": "Waits for its turn at the help desk",
    "held": "Waits: the help desk is out",
    "left_to_lease": "The database could not be told; another attempt follows",
    "lease_lost": "Another worker took over",
}
EVENTS: Final = {"ticket_created": "created", "ticket_updated": "updated", "ticket_resolved": "resolved"}
CAUSES: Final = {
    "paused": "Paused",
    "help_desk": "Help desk out",
    "calls": "Call limit",
    "model": "Model out",
    "monitoring": "Monitoring out",
}


def is_dismissed(reason: str | None) -> bool:
    """Whether *reason* is an operator's, for a delivery that had failed."""
    return reason is not None and reason.startswith(DISMISSED)


def dismissal(reason: str) -> str:
    """What the operator said."""
    return reason.removeprefix(DISMISSED)


def explain(error: str) -> Explanation:
    """The error in plain words."""
    return next((explanation for pattern, explanation in _KNOWN if pattern.search(error)), _UNKNOWN)


def duration(seconds: float) -> str:
    """`340 ms`, `4.2 s`, `3 min`, `5 h`, `2 d`."""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 10:  # noqa: PLR2004 - where a decimal stops to matter
        return f"{seconds:.1f} s"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def ago(time: datetime | None, now: datetime) -> str:
    """`12 s ago`; `never` for none."""
    return "never" if time is None else f"{duration(max((now - time).total_seconds(), 1))} ago"


def money(amount: Decimal | float) -> str:
    """US dollars, as exact as it matters."""
    value = float(amount)
    if 0 < value < 1:
        return f"${value:.4f}".rstrip("0").ljust(5, "0") if value >= 0.00005 else "< $0.0001"  # noqa: PLR2004
    return f"${value:,.2f}"


def number(value: float) -> str:
    """`1,234`, `56.7k`, `1.2M`."""
    for unit, size in (("M", 1_000_000), ("k", 10_000)):
        if value >= size:
            return f"{value / (1_000_000 if unit == 'M' else 1_000):.1f}{unit}"
    return f"{value:,.0f}"


def clock(time: datetime) -> str:
    """`25 Nov 14:03:12`, UTC."""
    return f"{time.astimezone(UTC):%d %b %H:%M:%S}"


def percent(part: float, whole: float) -> str:
    """`98.5 %`; never rounded up to 100."""
    if not whole:
        return "—"
    share = 100 * part / whole
    return "100 %" if part == whole else f"{min(share, 99.9):.1f} %"
