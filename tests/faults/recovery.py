"""How long it took after each fault until all was as before. Pure: from times to seconds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_BEFORE_S: Final = 5.0
_STEP_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Passage:
    """A ticket from its 202 to its note, in seconds since the epoch."""

    accepted_at: float
    noted_at: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from the fault's end."""

    first_note_s: float | None
    """Until the first note for a delivery that was accepted after the fault's end, though the next fault had begun;
    None: there was none."""
    backlog_s: float | None
    """Until no more tickets waited for their note than in the seconds before the fault; None: not before the next."""


class Passages:
    """All tickets that got a note, ready to be asked how many waited at a time."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._by_acceptance = sorted(passages, key=lambda each: each.accepted_at)
        self._accepted = [each.accepted_at for each in self._by_acceptance]
        self._noted = sorted(each.noted_at for each in passages)

    def waiting(self, at: float) -> int:
        """How many had their 202 and not their note."""
        return bisect_right(self._accepted, at) - bisect_right(self._noted, at)

    def recovery(self, *, start: float, end: float, until: float) -> Recovery:
        """After the fault that lasted from *start* to *end*, as far as it can be seen *until* the next one."""
        later = self._by_acceptance[bisect_right(self._accepted, end) :]
        first = min((each.noted_at for each in later), default=None)
        level = max(self._waiting_at(start - _BEFORE_S, start))
        # At each step of a tenth of a second: one ticket more or less is not a fault's doing.
        back = next(
            (
                number * _STEP_S
                for number in range(int((until - end) / _STEP_S))
                if self.waiting(end + number * _STEP_S) <= level
            ),
            None,
        )
        return Recovery(
            first_note_s=None if first is None else round(first - end, 1),
            backlog_s=None if back is None else round(back, 1),
        )

    def _waiting_at(self, start: float, end: float) -> list[int]:
        return [self.waiting(start + number * _STEP_S) for number in range(int((end - start) / _STEP_S) + 1)]
