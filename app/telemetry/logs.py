"""Structured logs: one event per line, named in the past tense, with values as fields.

Invariant: no ticket text, prompt or credential is ever a field. Tenant, ticket and job id are bound once
(`delivery_context`) and are on every line about that delivery. Messages of libraries may hold whole requests or errors,
so they are logged only from level warning on, and only their first line.
"""

from __future__ import annotations

import asyncio
import logging
import logging.config
import sys
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal, TextIO

import structlog
from opentelemetry import trace

_MAX_FRAMES = 12
_WRITE_EVERY_S: Final = 0.25
_MAX_UNWRITTEN: Final = 20_000

_final_processor: structlog.types.Processor | None = None
"""Renders a line, if lines of level info are written."""


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
    global _final_processor  # noqa: PLW0603 - as structlog's configuration, once a process
    _final_processor = final[0] if level in {"debug", "info"} else None
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


class FrequentLines:
    """Lines of level info about one event that is so frequent that each of them would cost too much by itself.

    They are rendered and written four times a second, by a thread: a reader of the log that stands still delays nobody.
    While it does, at most `_MAX_UNWRITTEN` lines are kept. The number of those that were lost is told as soon as a line
    can be written.
    """

    def __init__(self, event: str, *, logger: str) -> None:
        self._same: dict[str, Any] = {"event": event, "level": "info", "logger": logger}
        self._unwritten: list[tuple[float, str | None, dict[str, str]]] = []
        self._lost = 0
        self._has_some = asyncio.Event()

    def add(self, **fields: str) -> None:
        """A line with *fields*, and with the time and trace of now."""
        if _final_processor is None:
            return
        if len(self._unwritten) >= _MAX_UNWRITTEN:
            self._lost += 1
            return
        self._unwritten.append((time.time(), current_trace_id(), fields))
        self._has_some.set()

    @asynccontextmanager
    async def written(self) -> AsyncIterator[None]:
        """Write the lines that come in this block; those that are left are written at its end."""
        ended = asyncio.Event()
        writing = asyncio.create_task(self._write_all(ended))
        try:
            yield
        finally:
            # Not cancelled: a thread would write on, and the last lines overtake what it writes.
            ended.set()
            self._has_some.set()
            await writing

    async def _write_all(self, ended: asyncio.Event) -> None:
        is_last = False
        while not is_last:
            await self._has_some.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(_WRITE_EVERY_S):
                    await ended.wait()
            is_last = ended.is_set()
            lines, self._unwritten, lost, self._lost = self._unwritten, [], self._lost, 0
            self._has_some.clear()
            lost = await asyncio.to_thread(self._write, lines, lost)
            self._lost += lost

    def _write(self, lines: list[tuple[float, str | None, dict[str, str]]], lost: int) -> int:
        """Write *lines*, and that *lost* others were lost. Returns how many are lost and not told of: none, or all."""
        if _final_processor is None:
            return 0
        same = {**self._same, **structlog.contextvars.get_contextvars()}
        try:
            rendered = []
            for at, trace_id, fields in lines:
                line = {**fields, **same, "timestamp": _told(at), **({"trace_id": trace_id} if trace_id else {})}
                rendered.append(str(_final_processor(None, "info", line)))
            if lost:
                line = {"number": lost, "of": same["event"], **same, "event": "log_lines_lost", "level": "warning"}
                rendered.append(str(_final_processor(None, "warning", {**line, "timestamp": _told(time.time())})))
            if rendered:
                sys.stderr.write("\n".join(rendered) + "\n")
                sys.stderr.flush()
        except Exception:  # noqa: BLE001 - the disk of the log is full, say: the next lines may be written again
            return lost + len(lines)
        return 0


def _told(at: float) -> str:
    """A time as the other lines have it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class _NamedLogger(structlog.WriteLogger):
    """Writes lines to *file*; `name` is the module's."""

    def __init__(self, file: TextIO, name: str = "") -> None:
        super().__init__(file)
        self.name = name


def _add_trace(
    _: structlog.types.WrappedLogger, __: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    trace_id = current_trace_id()
    if trace_id is not None:
        event["trace_id"] = trace_id
    return event


def current_trace_id() -> str | None:
    """The id of the current span's trace, as it stands in lines; None outside of one."""
    span = trace.get_current_span().get_span_context()
    return trace.format_trace_id(span.trace_id) if span.is_valid else None


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
