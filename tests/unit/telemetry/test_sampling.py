from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode, Tracer

from app.telemetry.sampling import MAX_PARTS, ErrorsAndShare, is_of_share
from app.telemetry.traces import context_from

SENT = InMemorySpanExporter()


@pytest.fixture
def tracer(request: pytest.FixtureRequest) -> Iterator[Tracer]:
    """Of a process that keeps a tenth, or the share that the test asks for."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ErrorsAndShare(SimpleSpanProcessor(SENT), share=getattr(request, "param", 0.1)))
    yield provider.get_tracer("test")
    SENT.clear()


def delivery(trace_id: int) -> Context | None:
    """The context that a delivery of this trace was stored with."""
    return context_from(f"00-{trace_id:032x}-00000000000000aa-01")


def attempt(tracer: Tracer, trace_id: int, *, is_failing: bool = False) -> None:
    with tracer.start_as_current_span("attempt", context=delivery(trace_id)):
        with tracer.start_as_current_span("load"):
            pass
        with tracer.start_as_current_span("chat") as chat:
            if is_failing:
                chat.set_status(Status(StatusCode.ERROR))


def sent() -> list[tuple[int, str]]:
    return [(span.context.trace_id, span.name) for span in SENT.get_finished_spans() if span.context]


IN, OUT = 1, (1 << 64) - 1
"""Trace ids within the share and beyond it."""


def test_a_trace_of_the_share_is_sent_whole(tracer: Tracer) -> None:
    attempt(tracer, IN)
    assert sent() == [(IN, "load"), (IN, "chat"), (IN, "attempt")]


def test_another_is_sent_whole_if_a_span_of_it_failed_and_not_at_all_if_none_did(tracer: Tracer) -> None:
    attempt(tracer, OUT)
    assert sent() == []
    attempt(tracer, OUT, is_failing=True)
    assert sent() == [(OUT, "load"), (OUT, "chat"), (OUT, "attempt")]
    attempt(tracer, OUT)
    assert len(sent()) == 3, "an attempt later is a part of its own"


def test_parts_side_by_side_are_told_apart(tracer: Tracer) -> None:
    first = tracer.start_span("attempt", context=delivery(OUT))
    attempt(tracer, OUT - 1, is_failing=True)
    first.end()
    assert {trace_id for trace_id, _ in sent()} == {OUT - 1}


def test_what_waits_is_bounded_and_errors_are_still_sent(tracer: Tracer) -> None:
    opened = [tracer.start_span("attempt", context=delivery(OUT - 1 - number)) for number in range(MAX_PARTS)]
    with tracer.start_as_current_span("attempt", context=delivery(OUT)) as current:
        with tracer.start_as_current_span("load"):
            pass
        current.set_status(Status(StatusCode.ERROR))
    assert sent() == [(OUT, "attempt")]
    for each in opened:
        each.end()


@pytest.mark.parametrize(("share", "kept"), [(0.0, 0), (0.25, 250), (1.0, 1000)])
def test_the_share_is_a_share_of_the_ids(share: float, kept: int) -> None:
    ids = [(number << 54) + number for number in range(1000)]
    assert sum(is_of_share(each % (1 << 64), share) for each in ids) == pytest.approx(kept, abs=10)
