"""A step of an enhancement, for the console and in the trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.core.source import SourceKind
from app.core.steps import StepName, StepNote, step
from app.telemetry.traces import span


@contextmanager
def traced_step(name: StepName | SourceKind) -> Iterator[StepNote]:
    with span(f"enhance.{name}"), step(name) as note:
        yield note
