"""Keeps a share of all traces, and of the others each process's part in which a span failed.

Invariant: whether a trace belongs to the share is computed from its id, so all processes decide alike. Spans of other
traces wait until this process's part of the trace ends, and are exported if one of them failed. Memory is limited:
parts beyond `MAX_PARTS` at once, and spans beyond `MAX_SPANS` in a part, are dropped.
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
    """Whether the trace belongs to the share that is always kept."""
    return trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < TraceIdRatioBased.get_bound_for_rate(share)


class ErrorsAndShare(SpanProcessor):
    """Passes the spans that are kept to *following*."""

    def __init__(self, following: SpanProcessor, *, share: float) -> None:
        self._following = following
        self._share = share
        self._parts: dict[int, list[ReadableSpan]] = {}
        """Trace id → ended spans of a part whose first span has not ended."""

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
