"""The API's composition root."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import License

from app.api.bodies import Bodies
from app.api.edge import Edge
from app.api.errors import answer_error
from app.api.feedback import FeedbackKey, ask_for_vote, feedback_style, take_vote
from app.api.health import VERSION, Readiness, health, live, metrics, ready
from app.api.webhooks import Webhooks, receive_webhook
from app.db.ledger.intake import Intake, open_intake
from app.listening import check_port
from app.queue import Queue, RingBroker, open_queue
from app.settings import ApiSettings
from app.telemetry.logs import FrequentLines
from app.telemetry.traces import end_traces
from app.tenants import open_tenants

# Longer than a load balancer takes to notice that the pod is not ready any more.
DRAIN_S: Final = 5.0
FINISH_S: Final = 15.0
# Against clients that open connections and send their headers slowly: such a connection is closed after seconds, and
# thousands of them fit into the pod's memory (bench/hostile_clients.py). bodies.py does the same for bodies. Granian's
# defaults are 30 s, 417 kB and 1,024 connections.
HEADERS_TIMEOUT_MS: Final = 5_000
MAX_HEADERS_BYTES: Final = 16 * 1024
MAX_CONNECTIONS: Final = 2_048

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Api:
    """The application, and the parts of it that the shutdown uses."""

    asgi: Edge
    readiness: Readiness


def create_app(
    *,
    intake: Intake,
    queue: Queue,
    bodies: Bodies,
    webhooks: Webhooks,
    readiness: Readiness,
    feedback_key: bytes | None = None,
) -> Litestar:
    """The application with its routes; the arguments are the resources that these use."""

    def providing(value: object) -> Provide:
        return Provide(lambda: value, sync_to_thread=False, use_cache=True)

    return Litestar(
        [receive_webhook, health, live, ready, metrics, ask_for_vote, take_vote, feedback_style],
        dependencies={
            "intake": providing(intake),
            "queue": providing(queue),
            "readiness": providing(readiness),
            "bodies": providing(bodies),
            "feedback_key": providing(FeedbackKey(feedback_key, webhooks.language_of)),
        },
        state=State({"webhooks": webhooks}),
        exception_handlers={Exception: answer_error},
        openapi_config=OpenAPIConfig(
            title="AI Agents",
            version=VERSION,
            description=(
                "Takes ServiceDesk Plus's webhooks. The ingress publishes /webhook, /feedback and /health alone."
            ),
            license=License(name="Apache-2.0", identifier="Apache-2.0"),
            path="/schema",
            render_plugins=[JsonRenderPlugin(path="/")],
        ),
        logging_config=None,
    )


@asynccontextmanager
async def open_api(settings: ApiSettings) -> AsyncIterator[Api]:
    """Open everything that the application needs; close it in reverse order when the block ends."""
    readiness = Readiness()
    async with AsyncExitStack() as stack:
        tenants = await stack.enter_async_context(
            open_tenants(settings.tenants_dir, settings.tenant_secrets_dir, settings.instances_dir)
        )
        intake = await stack.enter_async_context(
            open_intake(
                settings.database_url.get_secret_value(),
                pooler=settings.database_pooler,
                connections=settings.database_connections,
            )
        )
        queue = await stack.enter_async_context(open_queue(RingBroker(settings.redis_url.get_secret_value())))
        accepted = FrequentLines("webhook_accepted", logger="app.api.webhooks")
        await stack.enter_async_context(accepted.written())
        bodies = Bodies()
        webhooks = Webhooks(intake, queue, tenants, bodies, accepted)
        key = settings.feedback_key
        app = create_app(
            intake=intake,
            queue=queue,
            bodies=bodies,
            webhooks=webhooks,
            readiness=readiness,
            feedback_key=key.get_secret_value().encode() if key else None,
        )
        becoming_ready = asyncio.create_task(readiness.turn_on(intake))
        try:
            yield Api(Edge(app, webhooks), readiness)
        finally:
            becoming_ready.cancel()
            await asyncio.wait([becoming_ready])


async def serve(settings: ApiSettings) -> None:
    """Serve until SIGTERM or SIGINT. Then `/health/ready` turns false, new connections are refused, and requests in
    flight are finished, in this order.

    Granian runs inside this process, not as its parent. So readiness can end before the listener does, this process
    is PID 1 and gets the signals, and an idle API is one process of about 90 MB.
    """
    check_port(settings.api_host, settings.api_port, variables="API_HOST, API_PORT")
    stop = asyncio.Event()
    is_urgent = asyncio.Event()

    def interrupt() -> None:
        is_urgent.set()
        stop.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    async with open_api(settings) as api:
        server = Server(
            api.asgi,
            address=settings.api_host,
            port=settings.api_port,
            interface=Interfaces.ASGINL,
            # No ingress speaks HTTP/2 to us, and its limits are far larger.
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEADERS_TIMEOUT_MS,
                max_buffer_size=MAX_HEADERS_BYTES,
                # But for webhooks that come one after the other, each answer says that it ends the connection.
                keep_alive=True,
            ),
            websockets=False,
            backlog=1024,
            backpressure=MAX_CONNECTIONS,
            log_level=LogLevels.warning,
            log_enabled=False,
        )
        serving = asyncio.create_task(server.serve())
        # The garbage collector then skips the objects that exist now and live as long as the process. Under load this
        # halves the time of the slowest answers.
        gc.freeze()
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        if serving.done():  # the port is taken, or the listener died
            stopping.cancel()
            await serving
            return
        log.info("shutdown_began")
        api.readiness.turn_off()
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await is_urgent.wait()
        server.stop()  # type: ignore[no-untyped-call]
        with suppress(TimeoutError):
            async with asyncio.timeout(FINISH_S):
                await api.asgi.wait_idle()
        await serving
    end_traces()
    log.info("shutdown_done")
