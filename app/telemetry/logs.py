"""Structured logs: one event per line, named in the past tense, with values as fields.

Invariant: no ticket text, prompt or credential is ever a field. Tenant, ticket and job id are bound once
(`delivery_context`) and are on every line about that delivery. Messages of libraries may hold whole requests or errors,
so they are logged only from level warning on, and only their first line.
"""

from __future__ import annotations

import logging
import logging.config
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal, TextIO

import structlog
from opentelemetry import trace

_MAX_FRAMES = 12


def set_up_logs(*, level: str, form: Literal["json", "console"], process: str) -> None:
    """Send our logs and the libraries' to stderr, in one form. Call once, at the start of a process."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        _add_failure,
    ]
    final: list[structlog.types.Processor] = (
        [structlog.processors.JSONRenderer()]
        if form == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    # Ours are rendered and written at once: through the standard library a line costs three times as much, and each
    # webhook has one.
    structlog.configure(
        processors=[*shared, *final],
        logger_factory=partial(_NamedLogger, sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _keep_first_line],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))
    structlog.contextvars.bind_contextvars(process=process)


class _NamedLogger(structlog.WriteLogger):
    """Writes lines to *file*; `name` is the module's."""

    def __init__(self, file: TextIO, name: str = "") -> None:
        super().__init__(file)
        self.name = name


def _add_trace(
    _: structlog.types.WrappedLogger, __: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
    return event


def _add_failure(
    _: structlog.types.WrappedLogger, __: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Add an exception as its type and lines of code: message and variables may hold text of a ticket or a secret."""
    failure = event.pop("exc_info", None)
    error = sys.exc_info()[1] if failure is True else failure[1] if isinstance(failure, tuple) else failure
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
        event["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _keep_first_line(
    _: structlog.types.WrappedLogger, __: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Keep only the first line: asyncio puts the message of a task's exception on the second."""
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


@contextmanager
def delivery_context(*, tenant: str, ticket_id: str, job_id: object) -> Iterator[None]:
    """Put the delivery's fields on every line that is logged in this block and in tasks that it starts."""
    with structlog.contextvars.bound_contextvars(tenant=tenant, ticket_id=ticket_id, job_id=str(job_id)):
        yield
