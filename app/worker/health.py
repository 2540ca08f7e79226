"""The worker's HTTP server: `/health/live`, `/health/ready` and `/metrics` on `PROMETHEUS_PORT`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from app.telemetry.metrics import expose


@asynccontextmanager
async def open_health(*, port: int, is_ready: Callable[[], bool]) -> AsyncIterator[None]:
    """Serve on all addresses until the block ends. *is_ready* says whether the worker takes work."""

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def ready(_: web.Request) -> web.Response:
        if is_ready():
            return web.json_response({"status": "ready"})
        return web.json_response({"status": "not ready"}, status=503)

    async def metrics(request: web.Request) -> web.Response:
        body, content_type = expose(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application()
    app.add_routes([web.get("/health/live", live), web.get("/health/ready", ready), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, None, port).start()  # IPv4 and IPv6: a pod may have one of them alone
        yield
    finally:
        await runner.cleanup()
