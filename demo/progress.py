"""The progress of each webhook of the demo, and a summary. No I/O: the observer passes the facts in.

Invariant: only notes on the help desk count as notes. The ledger only shows the progress before.
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
    """The stage of a webhook, for a person."""

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
    """One webhook and its result."""

    slug: str
    ticket_id: str
    subject: str
    ticket_url: str = ""
    sent_at: datetime | None = None
    accepted_at: datetime | None = None
    """When the 202 arrived."""
    answer_s: float | None = None
    """Seconds until the 202."""
    job_id: UUID | None = None
    is_refused: bool = False
    status: Status | None = None
    attempts: int = 0
    trouble: str = ""
    """Why it was refused, failed, is retried or needs no note."""
    verdict: str = ""
    """The confidence in the note, or why it has only context."""
    notes: list[datetime] = field(default_factory=list)
    """The times of the notes after the webhook, oldest first."""
    told: Stage = Stage.WAITING
    """The last stage that was told by `Progress.news`."""

    @property
    def stage(self) -> Stage:
        if self.is_refused:
            return Stage.REFUSED
        if self.notes and self.is_over:  # before that a second note may still come
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
        """Whether it is finished: the ledger has settled it too."""
        return self.is_refused or self.status in _SETTLED

    @property
    def seconds(self) -> float | None:
        """Seconds from the webhook to its first note."""
        began = self.sent_at or self.accepted_at
        return (self.notes[0] - began).total_seconds() if self.notes and began else None


class Progress:
    """All calls of a run, in the order in which they were sent."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self.calls = list(calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self.calls)

    def news(self) -> list[Call]:
        """The calls that reached another stage since they were last told."""
        news = [call for call in self.calls if call.stage is not call.told]
        for call in news:
            call.told = call.stage
        return news

    @property
    def noted(self) -> int:
        return sum(bool(call.notes) for call in self.calls)

    @property
    def is_over(self) -> bool:
        return all(call.is_over for call in self.calls)

    @property
    def is_passed(self) -> bool:
        """Whether every ticket has exactly one note."""
        return all(len(call.notes) == 1 for call in self.calls)

    @property
    def verdict(self) -> str:
        """The result of `is_passed` in words."""
        wrong = [call for call in self.calls if len(call.notes) != 1]
        if not wrong:
            return f"{len(self.calls)} tickets, each has exactly one note."
        told = ", ".join(f"{call.slug} {call.ticket_id} has {len(call.notes) or 'none'}" for call in wrong)
        return f"{len(wrong)} of {len(self.calls)} tickets have not exactly one note: {told}."

    @property
    def times(self) -> str:
        """The times from webhook to note over all calls, in words."""
        seconds = sorted(call.seconds for call in self.calls if call.seconds is not None)
        if not seconds:
            return "No note was posted."
        p95 = seconds[math.ceil(0.95 * len(seconds)) - 1]
        return (
            f"Webhook to note: median {statistics.median(seconds):.2f} s, p95 {p95:.2f} s, longest {seconds[-1]:.2f} s."
        )
