"""A share of all traces, and every part of a trace that met an error.

Invariant: whether a trace is of the share is computed from its id, so that all processes agree without a word. What is
not of the share waits until this process's part of the trace ends, and is sent on if a span of it failed. Memory is
bounded: of more parts than `MAX_PARTS` at once, or more spans than `MAX_SPANS` in one, the others are let go.
"""

from __future__ import annotations

from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import StatusCode

MAX_PARTS: Final = 1_000
MAX_SPANS: Final = 500


def is_of_share(trace_id: int, share: float) -> bool:
    """Whether the trace is one of those that are kept anyway."""
    return trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < TraceIdRatioBased.get_bound_for_rate(share)


class ErrorsAndShare(SpanProcessor):
    """Hands *following* the spans that are kept."""

    def __init__(self, following: SpanProcessor, *, share: float) -> None:
        self._following = following
        self._share = share
        self._parts: dict[int, list[ReadableSpan]] = {}
        """By trace id: spans that ended before their part's first span did."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        context = span.get_span_context()
        is_first = span.parent is None or span.parent.is_remote
        if is_first and not is_of_share(context.trace_id, self._share) and len(self._parts) < MAX_PARTS:
            self._parts.setdefault(context.trace_id, [])
        self._following.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        trace_id = span.context.trace_id
        if is_of_share(trace_id, self._share):
            self._following.on_end(span)
            return
        part = self._parts.get(trace_id)
        if span.parent is not None and not span.parent.is_remote:
            if part is not None and len(part) < MAX_SPANS:
                part.append(span)
            return
        ended = [*(self._parts.pop(trace_id, None) or []), span]
        if any(each.status.status_code is StatusCode.ERROR for each in ended):
            for each in ended:
                self._following.on_end(each)

    def shutdown(self) -> None:
        self._following.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._following.force_flush(timeout_millis)
