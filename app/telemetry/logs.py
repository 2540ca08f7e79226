"""Structured logs: one event a line, past tense, values as fields.

Invariant: no ticket text, prompt or credential is ever a field. Tenant, ticket and job id are bound once
(`delivery_context`) and stand on every line of that delivery. Of a library's messages, which may hold requests or
errors as they are, the first line is told, and from warning on only.
"""

from __future__ import annotations

import logging
import logging.config
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

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
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
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
    logging.getLogger("app").setLevel(level.upper())
    structlog.contextvars.bind_contextvars(process=process)


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
    """An exception as its type and places: its message and its variables may hold what a ticket or a secret said."""
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
    """A forgotten task is told by asyncio with its exception's message, on the second line."""
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


@contextmanager
def delivery_context(*, tenant: str, ticket_id: str, job_id: object) -> Iterator[None]:
    """Name the delivery on every line that is logged in this block, and in the tasks that it starts."""
    with structlog.contextvars.bound_contextvars(tenant=tenant, ticket_id=ticket_id, job_id=str(job_id)):
        yield
