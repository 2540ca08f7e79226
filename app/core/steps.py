"""The steps of one attempt, as the console shows them: what was done, how long it took, how it ended.

Invariant: a step holds no text of a ticket, only a name, times, and a result in our own words.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, Field

from app.core.source import SourceKind

MAX_STEPS: Final = 40


class StepName(StrEnum):
    """The steps beside those that gather one kind of context, which have the names of `SourceKind`.

    Stored, so a value never changes its meaning.
    """

    LOAD = "load"
    RESERVE = "reserve"
    ABOUT_REQUESTER = "about_requester"
    STORM = "storm"
    WRITE = "write"
    CHECK = "check"
    SECOND_OPINION = "second_opinion"
    SHOW = "show"
    STORM_NOTE = "storm_note"
    POST_NOTE = "post_note"
    WRITE_FIELDS = "write_fields"


_Number = Annotated[int, Field(le=2**53)]


class Step(BaseModel, frozen=True):
    name: str
    """A `StepName` or `SourceKind`; another release may have others."""
    began_at: datetime
    ms: _Number
    result: str = ""
    is_fine: bool = True
    masked: dict[str, _Number] = Field(default_factory=dict)
    """How many values of each kind were masked."""


_steps: ContextVar[list[Step] | None] = ContextVar("steps", default=None)


@contextmanager
def noting_steps() -> Iterator[list[Step]]:
    """Collect the steps that end while the block runs, also in tasks that it starts, in the order of their ends."""
    steps: list[Step] = []
    token = _steps.set(steps)
    try:
        yield steps
    finally:
        _steps.reset(token)


def noted_steps() -> tuple[Step, ...]:
    """The steps that have ended so far; none without a collector."""
    return tuple(_steps.get() or ())


class StepNote:
    """The result of a step, set while it runs."""

    def __init__(self) -> None:
        self.result = ""
        self.is_fine = True
        self.masked: dict[str, int] = {}


@contextmanager
def step(name: StepName | SourceKind) -> Iterator[StepNote]:
    """Record the block as a step; if it raises, the step failed. Without a collector it does nothing."""
    note, began_at, started = StepNote(), datetime.now(UTC), time.perf_counter()
    try:
        yield note
    except BaseException as error:
        note.is_fine, note.result = False, note.result or getattr(error, "detail", "") or type(error).__name__
        raise
    finally:
        steps = _steps.get()
        if steps is not None and len(steps) < MAX_STEPS:
            ms = round(1000 * (time.perf_counter() - started))
            steps.append(
                Step(
                    name=name,
                    began_at=began_at,
                    ms=ms,
                    result=note.result,
                    is_fine=note.is_fine,
                    masked=note.masked,
                )
            )
