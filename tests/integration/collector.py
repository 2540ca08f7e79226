"""An OTLP/HTTP receiver on loopback, as a tracing backend is."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.loopback import served


@dataclass
class Collector:
    """What was received so far."""

    url: str = ""
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def of_job(self, job_id: str) -> list[Span]:
        """The spans that name the delivery."""
        return [
            span
            for span in self.spans
            if any(a.key == "ai_agents.job_id" and a.value.string_value == job_id for a in span.attributes)
        ]

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.requests.append(ExportTraceServiceRequest.FromString(body))
        return web.Response()


@asynccontextmanager
async def open_collector() -> AsyncIterator[Collector]:
    collector = Collector()
    async with served(web.post("/v1/traces", collector.receive)) as collector.url:
        yield collector
