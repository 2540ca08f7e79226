"""Faults on demand, to test that the product survives them.

Invariant: a fault applies to the first `times` calls that it matches, then it is removed. If several match a call, the
oldest applies.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, Field

MAX_FAULTS: Final = 100


class FaultKind(StrEnum):
    STATUS = "status"
    """Answers with `status` and does nothing."""
    SLOW = "slow"
    """Does the work after `delay`."""
    RESET = "reset"
    """Resets the connection and does nothing."""
    CUT_AFTER = "cut_after"
    """Does the work (stores the note), then resets the connection in place of an answer."""
    GARBAGE = "garbage"
    """Answers 200 with something that is not JSON, and does nothing."""
    SILENCE = "silence"
    """Does nothing and never answers, until the caller or the simulator closes."""


class Fault(BaseModel, frozen=True, extra="forbid"):
    """One fault of a portal."""

    match: Annotated[str, Field(max_length=200, pattern=r"^(\*|[A-Z]+)( \S+)?$")] = "*"
    """A method or `*`, then optionally a part of the path: `POST notes`, `GET requests/100234`, `* oauth`."""
    kind: FaultKind
    status: Annotated[int, Field(ge=200, le=599)] = 500
    code: int | None = None
    """The code in the error body, e.g. 4015; None: the usual one for `status`."""
    body: Annotated[str, Field(max_length=100_000)] | None = None
    """A body in place of the error body, e.g. `URL_ROLLING_THROTTLES_LIMIT_EXCEEDED`."""
    location: str | None = None
    """The header `Location`, for a redirect."""
    retry_after: str | None = None
    """The header `Retry-After`: seconds, or a date."""
    delay: Annotated[float, Field(ge=0, le=3600)] = 0
    """Seconds to wait before anything else, for any kind."""
    times: Annotated[int, Field(ge=1)] | None = 1
    """None: until cleared."""

    def fits(self, method: str, path: str) -> bool:
        wanted_method, _, part = self.match.partition(" ")
        return wanted_method in {"*", method} and part in path


class Faults:
    """The faults of one portal, oldest first."""

    def __init__(self) -> None:
        self._left: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Add *fault*; raises ValueError when there are `MAX_FAULTS` already."""
        if len(self._left) >= MAX_FAULTS:
            raise ValueError(f"at most {MAX_FAULTS} faults at once")
        self._left.append((fault, fault.times))

    def clear(self) -> None:
        self._left.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that applies to this call, if any."""
        for index, (fault, left) in enumerate(self._left):
            if fault.fits(method, path):
                if left is not None and left <= 1:
                    del self._left[index]
                elif left is not None:
                    self._left[index] = (fault, left - 1)
                return fault
        return None

    def __len__(self) -> int:
        return len(self._left)
