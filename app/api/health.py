"""What probes and the smoke test ask.

Invariant: `/health/live` does no I/O, so a database that is out never restarts a pod; `/health/ready` turns false once
only, at shutdown: while PostgreSQL is away the webhook's 503 with `Retry-After` is the better answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, Literal

import structlog
from litestar import Request, Response, get
from litestar.di import NamedDependency

from app.db.ledger.intake import Intake
from app.errors import DatabaseUnavailable
from app.queue import Queue
from app.telemetry.metrics import expose

VERSION: Final = version("ai-agents")

log = structlog.get_logger(__name__)


class Readiness:
    """Whether new connections should come here: after the first connection to the ledger, until shutdown begins."""

    def __init__(self) -> None:
        self.is_ready = False

    async def turn_on(self, intake: Intake) -> None:
        """Wait for the ledger, then be ready; what it waits for is logged when it changes."""
        told = ""
        while not self.is_ready:
            try:
                await intake.state()
            except Exception as error:  # noqa: BLE001 - whatever it is may be mended while this process runs
                cause = error.detail if isinstance(error, DatabaseUnavailable) else type(error).__name__
                if cause != told:
                    log.warning("not_ready_yet", cause=cause)
                told = cause
                await asyncio.sleep(0.25)
            else:
                self.is_ready = True

    def turn_off(self) -> None:
        self.is_ready = False


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of `/health`."""

    status: Literal["healthy", "degraded", "unhealthy"]
    database: Literal["connected", "disconnected"]
    redis: Literal["connected", "disconnected"]
    dependencies: dict[str, Literal["healthy", "unhealthy"]]
    """The same once more, as monitoring that was written for the first version of this service reads it."""
    version: str
    schema: str
    """The migration revision, or `unknown`."""


@get("/health", summary="Whether deliveries can be accepted", operation_id="health", tags=["health"])
async def health(intake: NamedDependency[Intake], queue: NamedDependency[Queue]) -> Response[Health]:
    """`healthy`, `degraded` while Redis is out, `unhealthy` (503) while the ledger takes no writes."""
    ledger, reached = await asyncio.gather(intake.state(), queue.is_reachable(), return_exceptions=True)
    if isinstance(ledger, BaseException) and not isinstance(ledger, DatabaseUnavailable):
        raise ledger
    has_database, has_redis = not isinstance(ledger, DatabaseUnavailable), reached is True
    answer = Health(
        status="unhealthy" if not has_database else "healthy" if has_redis else "degraded",
        database="connected" if has_database else "disconnected",
        redis="connected" if has_redis else "disconnected",
        dependencies={
            "database": "healthy" if has_database else "unhealthy",
            "redis": "healthy" if has_redis else "unhealthy",
        },
        version=VERSION,
        schema="unknown" if isinstance(ledger, DatabaseUnavailable) else ledger.schema or "unknown",
    )
    return Response(answer, status_code=200 if has_database else 503)


@get("/health/live", summary="Whether the process runs", operation_id="live", tags=["health"], sync_to_thread=False)
def live() -> dict[str, str]:
    return {"status": "live", "version": VERSION}


@get(
    ["/health/ready", "/api/v1/ready"],
    summary="Whether new connections should come here",
    tags=["health"],
    sync_to_thread=False,
)
def ready(readiness: NamedDependency[Readiness]) -> Response[dict[str, str]]:
    if readiness.is_ready:
        return Response({"status": "ready", "version": VERSION})
    return Response({"status": "not ready", "version": VERSION}, status_code=503)


@get("/metrics", include_in_schema=False, sync_to_thread=False)
def metrics(request: Request[Any, Any, Any]) -> Response[Any]:
    body, content_type = expose(request.headers.get("accept", ""))
    return Response(body, media_type=content_type)
