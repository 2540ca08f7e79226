"""Traces: one for each delivery, with its webhook and all attempts.

Without an OTLP endpoint nothing is recorded: OpenTelemetry's no-op tracer costs almost nothing. The trace context is
stored with the delivery, so attempts join the webhook's trace, also those that the relay starts.
`OTEL_TRACES_SAMPLER=traceidratio` (with its `_ARG`) sets the share of traces that are kept completely. Of the others
the webhook's span is kept, and each process's part with an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_propagator = TraceContextTextMapPropagator()
tracer: Final = trace.get_tracer("ai-agents")
_recording = False
"""Whether spans go anywhere: without a provider they are not even made."""


def set_up_traces(environment: dict[str, str], *, process: str, version: str) -> None:
    """Export spans as the standard `OTEL_*` variables say, if they name an endpoint. Call once a process."""
    if not any(environment.get(name) for name in _ENDPOINTS) or environment.get("OTEL_SDK_DISABLED") == "true":
        return
    # Imported here, so that a process without an endpoint does not load the SDK.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415

    from app.telemetry.sampling import ErrorsAndShare  # noqa: PLC0415

    share = _share(environment)
    defaults = {"service.name": f"ai-agents-{process}", "service.version": version}
    provider = TracerProvider(
        resource=Resource(defaults).merge(Resource.create())
        if environment.get("OTEL_SERVICE_NAME")
        else Resource.create(defaults),
        sampler=None if share is None else ALWAYS_ON,
    )
    sending = BatchSpanProcessor(OTLPSpanExporter())
    # The API keeps all its spans, one for each webhook: an attempt that is kept belongs below its webhook.
    is_whole = share is None or process == "api"
    provider.add_span_processor(sending if is_whole else ErrorsAndShare(sending, share=share or 0))
    trace.set_tracer_provider(provider)
    global _recording  # noqa: PLW0603 - as OpenTelemetry's provider, once a process
    _recording = True


def _share(environment: dict[str, str]) -> float | None:
    """The share of traces that are kept completely; None: the SDK's samplers decide."""
    if environment.get("OTEL_TRACES_SAMPLER") not in {"traceidratio", "parentbased_traceidratio"}:
        return None
    try:
        return min(max(float(environment.get("OTEL_TRACES_SAMPLER_ARG", "1")), 0.0), 1.0)
    except ValueError:
        return 1.0  # as the SDK does


def end_traces() -> None:
    """Export the spans that were not exported yet."""
    shutdown = getattr(trace.get_tracer_provider(), "shutdown", None)
    if shutdown is not None:
        shutdown()


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Context | None = None,
    attributes: dict[str, str | int | float] | None = None,
) -> Iterator[trace.Span]:
    """A span around a block. An error is recorded by its type only, since its message may quote a ticket."""
    if not _recording:
        yield trace.INVALID_SPAN
        return
    with tracer.start_as_current_span(
        name, context=parent, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def current_traceparent() -> str | None:
    """The W3C `traceparent` of the current span, or None when nothing is recorded."""
    if not _recording:
        return None
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def context_from(traceparent: str | None) -> Context | None:
    """The context of *traceparent*, for spans that continue its trace."""
    return _propagator.extract({"traceparent": traceparent}) if traceparent else None


def exemplar() -> dict[str, str] | None:
    """The labels that link a metric's value to the current trace; None when the trace is not recorded."""
    if not _recording:
        return None
    span_context = trace.get_current_span().get_span_context()
    if not span_context.is_valid or not span_context.trace_flags.sampled:
        return None
    return {"trace_id": trace.format_trace_id(span_context.trace_id)}
