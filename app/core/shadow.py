"""What a tenant's time in shadow mode tells: what was written, and how often it was the fix that was made.

Invariant: only a ticket that was resolved after its note was written is compared; what can't be compared is counted and
is no part of a share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import sqrt
from statistics import median
from uuid import UUID

from app.core.enhancement import Confidence, Enhancement, Notice
from app.core.fixes import Match, compare
from app.core.note import count_note_words

_Z_95 = 1.96


@dataclass(frozen=True)
class ShadowNote:
    """A note that was kept back, and what became of its ticket so far."""

    job_id: UUID
    ticket_id: str
    number: str
    """The ticket's id as people see it."""
    subject: str
    """Empty until the ticket is in the history."""
    description: str
    written_at: datetime
    took_ms: int | None
    """From the webhook."""
    cost_usd: float | None
    tokens: int
    enhancement: Enhancement
    html: str
    status: str
    resolution: str
    resolved_at: datetime | None
    verdict: bool | None = None
    """Whether a person says that it told the fix; None: nobody said."""
    judged_by: str | None = None

    @property
    def is_resolved(self) -> bool:
        return self.resolved_at is not None and self.resolved_at > self.written_at

    @cached_property
    def match(self) -> Match | None:
        """What a person says, else what the words tell. None: not resolved yet, or before the note."""
        if not self.is_resolved:
            return None
        if self.verdict is not None:
            return Match.SAME if self.verdict else Match.OTHER
        ticket = f"{self.subject}\n{self.description}"
        return compare(self.enhancement, ticket=ticket, resolution=self.resolution)


@dataclass(frozen=True)
class Share:
    """Some of a number, with the 95 % interval of its share (Wilson)."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float] | None:
        if not self.whole:
            return None
        share, n, z = self.part / self.whole, self.whole, _Z_95
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(middle - half, 0.0), min(middle + half, 1.0)


@dataclass(frozen=True)
class ShadowReport:
    """The figures over *notes*."""

    notes: Sequence[ShadowNote]

    @cached_property
    def matches(self) -> Counter[Match]:
        """How the tickets that are resolved compare."""
        return Counter(note.match for note in self.notes if note.match is not None)

    @property
    def with_model(self) -> int:
        return sum(not note.enhancement.is_context_only for note in self.notes)

    @property
    def with_nothing(self) -> int:
        return sum(Notice.NOTHING_FOUND in note.enhancement.notices for note in self.notes)

    @property
    def resolved(self) -> int:
        return sum(note.is_resolved for note in self.notes)

    @property
    def judged(self) -> int:
        """Of the notes that can be compared, those of which a person said whether they told the fix."""
        return sum(note.is_resolved and note.verdict is not None for note in self.notes)

    @property
    def same(self) -> Share:
        """Of the notes that can be compared, those that say the fix."""
        return _same(self.notes)

    @property
    def by_confidence(self) -> dict[Confidence, Share]:
        """As `same`, of the notes that a model wrote, the surest first."""
        return {
            level: _same(
                note
                for note in self.notes
                if note.enhancement.confidence is level and not note.enhancement.is_context_only
            )
            for level in reversed(Confidence)
        }

    @property
    def median_words(self) -> int | None:
        words = [count_note_words(note.html) for note in self.notes if note.html]
        return round(median(words)) if words else None

    @property
    def median_seconds(self) -> float | None:
        took = [note.took_ms / 1000 for note in self.notes if note.took_ms is not None]
        return median(took) if took else None

    @property
    def tokens(self) -> int:
        return sum(note.tokens for note in self.notes)

    @property
    def cost_usd(self) -> float:
        """Of the notes whose model has a price."""
        return sum(note.cost_usd or 0 for note in self.notes)

    @property
    def has_unpriced(self) -> bool:
        return any((note.cost_usd is None and note.tokens) or note.enhancement.unpriced for note in self.notes)


def _same(notes: Iterable[ShadowNote]) -> Share:
    found = Counter(note.match for note in notes)
    return Share(found[Match.SAME], found[Match.SAME] + found[Match.OTHER])
