"""The worker's composition root: opens everything, works until SIGTERM, and shuts down."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from app.core.feedback import make_token
from app.core.price import UNPRICED_REMEDY, Price
from app.db.knowledge.vectors import NO_TABLE, has_table
from app.db.ledger.claims import Ledger
from app.db.ledger.enhancements import Enhancements
from app.db.session import Database, open_database
from app.errors import DatabaseUnavailable
from app.integrations.embeddings import open_embedder
from app.integrations.openai import open_endpoint
from app.listening import check_port
from app.queue import RingBroker, open_queue
from app.settings import TrialSettings, WorkerSettings
from app.telemetry.traces import end_traces
from app.tenants import TenantDirectory, open_tenants
from app.worker.attempts import Attempts, tell_given_up
from app.worker.health import open_health
from app.worker.relay import Relay
from app.worker.retention import run_retention
from app.worker.rings import work_on_rings
from app.worker.story import Limits, Parts
from app.worker.toolkits import Toolkits
from app.worker.watch import run_watch

_TOLD: Final = 20
"""Tenants of one log line."""

# Python's 700 make a collection each delivery, most of which looks at what is still in use: 3 % of a worker's CPU.
_GC_THRESHOLD: Final = 20_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """The parts that run, once everything is opened."""

    broker: RingBroker
    attempts: Attempts
    relay: Relay
    database: Database
    tenants: TenantDirectory
    toolkits: Toolkits


@asynccontextmanager
async def open_toolkits(database: Database, settings: TrialSettings) -> AsyncIterator[Toolkits]:
    """The toolkits of all tenants, with the model and the embedder that *settings* name."""
    async with (
        open_endpoint(
            api_key=settings.openai_api_key.get_secret_value(),
            base_url=settings.openai_base_url,
            limit=settings.llm_timeout_seconds,
        ) as endpoint,
        open_embedder(
            settings.embedding_model, base_url=settings.embedding_base_url, api_key=settings.embedding_api_key
        ) as embedder,
    ):
        toolkits = Toolkits(
            database=database,
            endpoint=endpoint,
            model=settings.openai_model,
            fallback_model=settings.openai_fallback_model,
            judge_model=settings.openai_judge_model,
            context_timeout=settings.context_timeout_seconds,
            model_timeout=settings.llm_timeout_seconds,
            max_tokens=settings.llm_max_completion_tokens,
            prices={model: Price(**price) for model, price in settings.model_prices.items()},
            context_tokens=settings.llm_context_tokens,
            embedder=embedder,
            embedding_timeout=settings.embedding_timeout_seconds,
        )
        try:
            yield toolkits
        finally:
            await toolkits.close()


@asynccontextmanager
async def open_worker(settings: WorkerSettings) -> AsyncIterator[Worker]:
    """Open everything that a worker needs; close it in reverse order when the block ends."""
    broker = RingBroker(
        settings.redis_url.get_secret_value(),
        consumer=f"{socket.gethostname()}-{os.getpid()}",
        tell=lambda event: log.warning("ring_listener", state=event),
    )
    async with AsyncExitStack() as stack:
        tenants = await stack.enter_async_context(
            open_tenants(settings.tenants_dir, settings.tenant_secrets_dir, settings.instances_dir)
        )
        database = await stack.enter_async_context(open_database(**settings.database, name="ai-agents worker"))
        toolkits = await stack.enter_async_context(open_toolkits(database, settings))
        queue = await stack.enter_async_context(open_queue(broker))
        ledger = Ledger(
            database,
            lease=settings.lease_seconds,
            max_attempts=settings.max_attempts,
            slots=lambda: tenants.slots,
            tell_given_up=lambda given_up: tell_given_up(given_up, tenants),
        )
        parts = Parts(
            database=database,
            ledger=ledger,
            circuits=toolkits.circuits,
            enhancements=Enhancements(database),
            tenants=tenants,
            toolkits=toolkits,
            limits=Limits(
                task=settings.task_timeout_seconds,
                note=settings.note_timeout_seconds,
                lease=settings.lease_seconds,
                max_attempts=settings.max_attempts,
            ),
            is_restored=settings.ledger_restored,
            feedback_url=_feedback_url(settings),
        )
        attempts = Attempts(parts)
        yield Worker(
            broker,
            attempts,
            Relay(ledger=ledger, queue=queue, attempts=attempts, concurrency=settings.worker_concurrency),
            database,
            tenants,
            toolkits,
        )


def _feedback_url(settings: WorkerSettings) -> Callable[[UUID, UUID], str | None]:
    """A function for the URL on which the reader of a note votes; it returns None unless both settings are there."""
    url, key = settings.feedback_url, settings.feedback_key

    def link(tenant_id: UUID, job_id: UUID) -> str | None:
        if url is None or key is None:
            return None
        return f"{url}/feedback/{make_token(tenant_id, job_id, key=key.get_secret_value().encode())}"

    return link


async def run(settings: WorkerSettings) -> None:
    """Work until SIGTERM or SIGINT. Then no ring is read, attempts may finish for a while, and the rest is released.

    One process with its own signal handlers can be PID 1, and ends at once when it is idle.
    """
    gc.set_threshold(_GC_THRESHOLD)
    check_port("0.0.0.0", settings.prometheus_port, variables="PROMETHEUS_PORT")  # noqa: S104 - a pod's own address
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    is_connected, deadline = False, 0.0

    def begin_shutdown() -> None:
        nonlocal deadline
        deadline = loop.time() + settings.shutdown_grace_seconds.total_seconds()
        stop.set()

    def connected() -> None:
        nonlocal is_connected
        is_connected = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin_shutdown)

    async with (
        open_worker(settings) as worker,
        open_health(port=settings.prometheus_port, is_ready=lambda: is_connected and not stop.is_set()),
    ):
        stopping = asyncio.create_task(_stop_when(stop, worker.attempts))
        loops = [
            asyncio.create_task(loop_forever)
            for loop_forever in (
                worker.relay.run(connected),
                run_watch(worker.database, worker.tenants, unpriced=worker.toolkits.unpriced),
                run_retention(worker.database, worker.tenants),
                worker.toolkits.run_closing(worker.tenants),
            )
        ]
        gc.freeze()
        log.info("worker_started", concurrency=settings.worker_concurrency)
        _tell_unpriced(worker)
        await _tell_without_table(worker, settings)
        at_work = await work_on_rings(
            worker.broker.rings(), worker.attempts.work, most=settings.worker_concurrency, stop=stop
        )
        await stopping
        for each in loops:
            each.cancel()
        log.info("shutdown_began", running=worker.attempts.running)
        if at_work:  # a claim that is on its way becomes an attempt
            await asyncio.wait(at_work, timeout=max(deadline - loop.time(), 0))
        # Those that the relay began while Redis was down.
        await worker.attempts.wait(limit_s=deadline - loop.time())
        await worker.attempts.release_all()
    end_traces()
    log.info("shutdown_done")
    logging.shutdown()
    sys.stderr.flush()
    # Not a return: threads that a library has left running could keep this process, which has released its work, alive.
    os._exit(0)


def _tell_unpriced(worker: Worker) -> None:
    """Log each model whose price is not known, with its tenants: what it costs is in no figure."""
    found: dict[str, list[str]] = {}
    for known in worker.tenants:
        for model in worker.toolkits.unpriced(known.tenant):
            found.setdefault(model, []).append(known.tenant.slug)
    for model, slugs in found.items():
        log.warning("model_price_unknown", model=model, tenants=slugs[:_TOLD], remedy=UNPRICED_REMEDY)


async def _tell_without_table(worker: Worker, settings: WorkerSettings) -> None:
    """Log it if there is an embedder, and no table for its vectors: the search goes by words alone."""
    with suppress(DatabaseUnavailable):
        if settings.embedding_model is not None and not await has_table(worker.database):
            log.warning("vectors_unavailable", remedy=NO_TABLE)


async def _stop_when(stop: asyncio.Event, attempts: Attempts) -> None:
    await stop.wait()
    attempts.stop()
