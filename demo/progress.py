"""How far each webhook of the demo has come, and the summary of all. Pure: it is told, and does not look.

Invariant: notes are those that the help desk holds; what the product says of itself only fills the time before them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.core.delivery import Status


class Stage(StrEnum):
    """Where a webhook's ticket stands, for a person."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    IN_WORK = "in work"
    RETRYING = "to be tried again"
    NOTED = "note posted"
    IGNORED = "no note needed"
    FAILED = "failed"


_STAGES: Final = {
    Status.PENDING: Stage.ACCEPTED,
    Status.PROCESSING: Stage.IN_WORK,
    Status.IGNORED: Stage.IGNORED,
    Status.FAILED: Stage.FAILED,
    Status.DONE: Stage.FAILED,  # without a note: with one it is noted
}
_SETTLED: Final = {Status.DONE, Status.FAILED, Status.IGNORED}


@dataclass
class Call:
    """One webhook and what became of it."""

    slug: str
    ticket_id: str
    subject: str
    ticket_url: str = ""
    sent_at: datetime | None = None
    accepted_at: datetime | None = None
    """When the 202 had arrived."""
    answer_s: float | None = None
    """How long the 202 took."""
    job_id: UUID | None = None
    is_refused: bool = False
    status: Status | None = None
    attempts: int = 0
    trouble: str = ""
    """Why it was refused, failed, is tried again or needs no note."""
    verdict: str = ""
    """What the note says of itself: its confidence, or why it holds the context alone."""
    notes: list[datetime] = field(default_factory=list)
    """When each note was posted that came after the webhook, oldest first."""

    @property
    def stage(self) -> Stage:
        if self.is_refused:
            return Stage.REFUSED
        if self.notes and self.is_over:  # before, a second one may be on its way
            return Stage.NOTED
        if self.status is Status.PENDING and self.attempts:
            return Stage.RETRYING
        if self.status is not None:
            return _STAGES[self.status]
        if self.accepted_at is not None:
            return Stage.ACCEPTED
        return Stage.WAITING if self.sent_at is None else Stage.SENT

    @property
    def is_over(self) -> bool:
        """Nothing more will happen by itself: the ledger has settled it too."""
        return self.is_refused or self.status in _SETTLED

    @property
    def seconds(self) -> float | None:
        """From the webhook to its first note."""
        began = self.sent_at or self.accepted_at
        return (self.notes[0] - began).total_seconds() if self.notes and began else None


class Progress:
    """All calls of a run, in the order in which they are sent."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self.calls = list(calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self.calls)

    @property
    def noted(self) -> int:
        return sum(bool(call.notes) for call in self.calls)

    @property
    def is_over(self) -> bool:
        return all(call.is_over for call in self.calls)

    @property
    def first_note(self) -> datetime | None:
        return min((call.notes[0] for call in self.calls if call.notes), default=None)

    @property
    def is_passed(self) -> bool:
        """Whether every ticket has exactly one note."""
        return all(len(call.notes) == 1 for call in self.calls)

    @property
    def verdict(self) -> str:
        """In words, what `is_passed` says."""
        wrong = [call for call in self.calls if len(call.notes) != 1]
        if not wrong:
            return f"{len(self.calls)} tickets, each has exactly one note."
        told = ", ".join(f"{call.slug} {call.ticket_id} has {len(call.notes) or 'none'}" for call in wrong)
        return f"{len(wrong)} of {len(self.calls)} tickets have not exactly one note: {told}."

    @property
    def times(self) -> str:
        """From webhook to note, over all calls."""
        seconds = sorted(call.seconds for call in self.calls if call.seconds is not None)
        if not seconds:
            return "No note was posted."
        p95 = seconds[math.ceil(0.95 * len(seconds)) - 1]
        return (
            f"Webhook to note: median {statistics.median(seconds):.2f} s, p95 {p95:.2f} s, longest {seconds[-1]:.2f} s."
        )
