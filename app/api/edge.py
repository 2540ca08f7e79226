"""The outermost layer of the API: counts and times every answer, and adds headers to it.

Invariant: an answer that does not say itself what becomes of its connection ends it.

Webhooks go from here to `Webhooks`, all else to Litestar.
"""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from app.api.webhooks import PATH
from app.telemetry.metrics import HTTP_REQUESTS, HTTP_SECONDS

# The API serves JSON alone, so no answer may be framed, sniffed, cached or run.
SECURITY_HEADERS: Final = (
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_ADDED_HEADERS: Final = ((b"connection", b"close"), *SECURITY_HEADERS)
_METHODS: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Edge:
    """Wraps the application and counts the requests in flight."""

    def __init__(self, app: ASGIApp, webhooks: ASGIApp) -> None:
        self._app = app
        self._webhooks = webhooks
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name.lower() for name, _ in message["headers"]}
                ours = [header for header in _ADDED_HEADERS if header[0] not in own]
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        app = self._webhooks if scope["path"] == PATH and scope["method"] == "POST" else self._app
        self._in_flight += 1
        self._idle.clear()
        try:
            await app(scope, receive, send_with_headers)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()
            _observe(scope, status, time.perf_counter() - started)

    async def wait_idle(self) -> None:
        """Return when no request is in flight."""
        await self._idle.wait()


def _observe(scope: Any, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    count, times = _instruments(method, scope.get("path_template") or "unmatched", str(status))
    count.inc()
    times.observe(seconds, exemplar=scope.get("state", {}).get("exemplar"))


@lru_cache(maxsize=1_000)
def _instruments(method: str, route: str, status: str) -> tuple[Counter, Histogram]:
    return HTTP_REQUESTS.labels(method, route, status), HTTP_SECONDS.labels(method, route)
