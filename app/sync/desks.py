"""Syncs the help desks, a few at a time, then embeds what has no vectors yet."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from app.core.vectors import Embedder
from app.db.session import Database, open_database
from app.db.sql import numbered
from app.embedding import fill_vectors
from app.errors import AppError, DatabaseUnavailable
from app.help_desks import open_help_desk
from app.queue import RingBroker, open_queue
from app.settings import SyncSettings
from app.sync.owners import DeskOwners
from app.sync.reading import Desk, Offer, sync_desk
from app.sync.report import SyncReport, our_fault
from app.tenants import KnownTenant

_DESKS_AT_ONCE: Final = 4
# A desk that takes longer gives its place to another and is read on: the first sync of a large history takes hours, and
# four such desks would keep all others unread. How many of them go on is bounded by the memory of a pod.
_TURN: Final = timedelta(minutes=2)
_LONG_DESKS: Final = 12
# Of a run that comes every ten minutes: missed webhooks must not wait for it.
_FILL_FOR: Final = timedelta(minutes=5)
# Nobody waits for the sync, and a help desk that throttles does so for minutes.
_LONGEST_WAIT_FOR_A_CALL: Final = timedelta(minutes=10)
_WAIT_S: Final = 60.0
_ANYTHING: Final = numbered("select 1")

log = structlog.get_logger(__name__)


async def sync_all(
    settings: SyncSettings, desks: Iterable[DeskOwners], *, since: datetime | None = None
) -> list[SyncReport]:
    """Sync *desks*, a few at a time. Returns a report of each tenant, by slug."""
    async with (
        open_database(**settings.database, name="ai-agents sync") as database,
        open_queue(RingBroker(settings.redis_url.get_secret_value())) as queue,
        _open_embedder(settings) as embedder,
    ):

        def open_desk(known: KnownTenant) -> AbstractAsyncContextManager[Desk]:
            return open_help_desk(known, database, longest_wait=_LONGEST_WAIT_FOR_A_CALL, is_patient=True)

        await _await_database(database)
        desks = list(desks)
        reports = await sync_each(
            database, desks, open_desk=open_desk, offer=queue.offer, since=since, files=settings.knowledge_dir
        )
        if embedder is not None:
            await _fill_vectors(database, desks, embedder, reports)
        return reports


async def _await_database(database: Database) -> None:
    """Each run is a new pod, and may reach nothing in its first seconds, until the network's firewall knows of it.

    After a minute the run goes on: its reports tell what is out.
    """
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        try:
            await database.value_alone(_ANYTHING)
        except DatabaseUnavailable:
            await asyncio.sleep(1)
        else:
            return


async def _fill_vectors(
    database: Database, desks: Iterable[DeskOwners], embedder: Embedder, reports: Iterable[SyncReport]
) -> None:
    """Embed what has no vectors yet, when all desks are read: it may take many runs, and nothing waits for it."""
    tenants = [tenant for owners in desks for tenant in owners.tenants]
    of_tenant = {report.slug: report for report in reports}
    for filling in await fill_vectors(database, tenants, embedder, within=_FILL_FOR):
        if filling.problem:
            log.warning("vectors_not_filled", tenant=filling.tenant.slug, error=filling.problem)
        report = of_tenant.get(filling.tenant.slug)
        if report is None:  # an account whose help desk could not be opened
            continue
        report.embedded = filling.embedded
        if filling.problem:
            report.problems.append(f"vectors: {filling.problem}")


async def sync_each(
    database: Database,
    desks: Iterable[DeskOwners],
    *,
    open_desk: Callable[[KnownTenant], AbstractAsyncContextManager[Desk]],
    offer: Offer,
    since: datetime | None = None,
    files: Path | None = None,
    turn: timedelta = _TURN,
) -> list[SyncReport]:
    """Sync *desks*, a few at a time, whatever happens to one of them. Returns a report of each tenant, by slug."""
    free, in_memory = asyncio.Semaphore(_DESKS_AT_ONCE), asyncio.Semaphore(_DESKS_AT_ONCE + _LONG_DESKS)

    async def sync_one(owners: DeskOwners) -> list[SyncReport]:
        async with in_memory, _turn(free, turn):
            try:
                async with open_desk(owners.known) as desk:
                    return await sync_desk(database, owners, desk, offer=offer, since=since, files=files)
            except AppError as error:
                return [SyncReport(owners.known.tenant.slug, problems=[error.detail])]
            except Exception as error:  # a bug of ours, met with one help desk's data
                slug = owners.known.tenant.slug
                log.exception("sync_failed", tenant=slug)
                return [SyncReport(slug, problems=[our_fault(error)])]

    # In no fixed order: where more desks than that take long, it is not always the same that wait.
    desks = list(desks)
    reports = await asyncio.gather(*(sync_one(owners) for owners in random.sample(desks, len(desks))))
    return sorted((report for of_desk in reports for report in of_desk), key=lambda report: report.slug)


@asynccontextmanager
async def _turn(free: asyncio.Semaphore, limit: timedelta) -> AsyncIterator[None]:
    """A place in *free*, given back after *limit* or when what needs it ends, whichever is first."""
    await free.acquire()
    is_over = False

    def end() -> None:
        nonlocal is_over
        if not is_over:
            is_over = True
            free.release()

    clock = asyncio.get_running_loop().call_later(limit.total_seconds(), end)
    try:
        yield
    finally:
        clock.cancel()
        end()


def _open_embedder(settings: SyncSettings) -> AbstractAsyncContextManager[Embedder | None]:
    if settings.embedding_model is None:
        return nullcontext()
    # Here, since it loads the client of models, which a sync without vectors does without.
    from app.integrations.embeddings import open_embedder  # noqa: PLC0415 - a start cost

    return open_embedder(
        settings.embedding_model, base_url=settings.embedding_base_url, api_key=settings.embedding_api_key
    )
