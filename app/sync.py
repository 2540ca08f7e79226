"""Reading ServiceDesk Plus: history, knowledge and inventory into the database; and what no webhook told of.

Invariant: it may be killed at any moment. A batch and the cursor that says it was read are stored together, what is
read twice is stored once, and what vanished is removed only after a listing that came to its end. A tenant that fails
stops no other, and of a tenant a kind that fails stops no other kind.

    cursor - overlap ─▶ tickets, oldest update first ─▶ batch: history │ missed deliveries │ cursor ─▶ ring
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import text

from app.core.article import Article
from app.core.asset import Asset
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.db.knowledge.indexing import ARTICLES, TICKETS, index_next, is_indexed_otherwise
from app.db.knowledge.reconciliation import record_missed
from app.db.knowledge.store import (
    Cursor,
    CursorKind,
    drop_absent_articles,
    drop_absent_assets,
    load_cursor,
    save_cursor,
    upsert_articles,
    upsert_assets,
    upsert_tickets,
)
from app.db.session import Database, open_database
from app.errors import AppError
from app.help_desks import open_help_desk
from app.queue import RingBroker, open_queue
from app.settings import SyncSettings
from app.tenants import KnownTenant

log = structlog.get_logger(__name__)

Offer = Callable[[UUID, UUID], Awaitable[bool]]
Row = TypeVar("Row")

# Read again each time: clocks differ, and what was younger than `GRACE` the last time is looked at again.
OVERLAP: Final = timedelta(minutes=10)
GRACE: Final = timedelta(minutes=2)
"""How long a webhook may take before its ticket counts as missed."""
RECONCILE_WITHIN: Final = timedelta(days=3)
"""Older tickets get no note by reconciliation: after a long pause nobody waits for it, and there may be thousands."""
LIST_ALL_EVERY: Final = timedelta(hours=6)
"""How long an article that lost its approval may stay citable."""

_BATCH: Final = 100
# Where each ticket costs a call of its own, a batch is many minutes of calls: better stored before it is full.
_LONGEST_BATCH: Final = timedelta(seconds=30)
_TENANTS_AT_ONCE: Final = 4
# Nobody waits for the sync, and a help desk that throttles does so for minutes.
_LONGEST_WAIT_FOR_A_CALL: Final = timedelta(minutes=10)

_NOW: Final = text("select clock_timestamp()")


class Desk(Protocol):
    """What a tenant's ServiceDesk Plus lists. Tickets come oldest update first; the others in any order."""

    def list_tickets(self, *, updated_since: datetime | None) -> AsyncIterator[Ticket]: ...

    def list_articles(self, *, updated_since: datetime | None) -> AsyncIterator[Article]: ...

    def list_assets(self, *, updated_since: datetime | None) -> AsyncIterator[Asset]: ...


@dataclass(slots=True)
class SyncReport:
    """What the sync of one tenant did."""

    slug: str
    stored: dict[CursorKind, int] = field(default_factory=dict)
    """How many of each kind were new or changed."""
    removed: int = 0
    missed: int = 0
    """Tickets that no webhook told of, now recorded as deliveries."""
    problems: list[str] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        return bool(self.problems)

    @property
    def line(self) -> str:
        """One line for a person."""
        stored = ", ".join(f"{count} {kind}" for kind, count in self.stored.items()) or "nothing"
        parts = [
            f"{self.slug}: {stored} new or changed",
            f"{self.removed} removed",
            f"{self.missed} missed tickets found",
        ]
        return "; ".join([*parts, *self.problems])


async def sync_all(
    settings: SyncSettings, tenants: Sequence[KnownTenant], *, since: datetime | None = None
) -> list[SyncReport]:
    """Sync *tenants*, a few at a time. Returns a report of each, in their order."""
    async with (
        open_database(
            settings.database_url.get_secret_value(),
            pooler=settings.database_pooler,
            pool_size=settings.database_connections,
            name="ai-agents sync",
        ) as database,
        open_queue(RingBroker(settings.redis_url.get_secret_value())) as queue,
    ):

        def open_desk(known: KnownTenant) -> AbstractAsyncContextManager[Desk]:
            return open_help_desk(known, database, longest_wait=_LONGEST_WAIT_FOR_A_CALL, is_patient=True)

        return await sync_each(database, tenants, open_desk=open_desk, offer=queue.offer, since=since)


async def sync_each(
    database: Database,
    tenants: Iterable[KnownTenant],
    *,
    open_desk: Callable[[KnownTenant], AbstractAsyncContextManager[Desk]],
    offer: Offer,
    since: datetime | None = None,
) -> list[SyncReport]:
    """Sync *tenants*, a few at a time, whatever happens to one of them. Returns a report of each, in their order."""
    free = asyncio.Semaphore(_TENANTS_AT_ONCE)

    async def sync_one(known: KnownTenant) -> SyncReport:
        async with free:
            try:
                async with open_desk(known) as desk:
                    return await sync_tenant(database, known.tenant, desk, offer=offer, since=since)
            except AppError as error:
                return SyncReport(known.tenant.slug, problems=[error.detail])
            except Exception as error:  # a bug of ours, met with one tenant's data
                log.exception("sync_failed", tenant=known.tenant.slug)
                return SyncReport(
                    known.tenant.slug, problems=[f"a fault of ours ({type(error).__name__}), see the log"]
                )

    return list(await asyncio.gather(*(sync_one(known) for known in tenants)))


async def sync_tenant(
    database: Database,
    tenant: Tenant,
    desk: Desk,
    *,
    offer: Offer,
    since: datetime | None = None,
    grace: timedelta = GRACE,
) -> SyncReport:
    """Bring one tenant's tickets, articles and assets up to date, and record the tickets that no webhook told of.

    Args:
        database: As the worker's role.
        tenant: Its events say what may be missed.
        desk: Its ServiceDesk Plus.
        offer: Rings for a delivery; False is fine, the relay rings again.
        since: On the first run, no ticket that was updated before; None: all.
        grace: How long a webhook may take.

    On the first run nothing is missed: from then on tickets are watched.
    """
    report = SyncReport(tenant.slug)
    run = _Run(database, tenant, desk, offer, report)
    for kind, step in (
        ("search index", run.index_again),
        ("tickets", lambda: run.sync_tickets(since=since, grace=grace)),
        ("articles", run.sync_articles),
        ("assets", run.sync_assets),
    ):
        try:
            await step()
        except AppError as error:
            log.warning("sync_failed", tenant=tenant.slug, kind=kind, error=error.detail)
            report.problems.append(f"{kind}: {error.detail}")
    return report


@dataclass(frozen=True, slots=True)
class _Run:
    database: Database
    tenant: Tenant
    desk: Desk
    offer: Offer
    report: SyncReport

    async def index_again(self) -> None:
        """Index what was indexed in another language or by older rules, a batch a transaction."""
        tenant_id, language = self.tenant.id, self.tenant.note.language
        for kind in (TICKETS, ARTICLES):
            async with self.database.as_tenant(tenant_id) as session:
                is_due = await is_indexed_otherwise(session, tenant_id, kind, language=language)
            after: str | None = "" if is_due else None
            while after is not None:
                async with self.database.as_tenant(tenant_id) as session:
                    after = await index_next(session, tenant_id, kind, after=after, language=language)

    async def sync_tickets(self, *, since: datetime | None, grace: timedelta) -> None:
        started_at, cursor = await self._begin("tickets")
        watched_since = await self._watched_since(started_at)
        if cursor.seen_up_to is not None:
            since = cursor.seen_up_to - OVERLAP
            watched_since = max(watched_since, since)
        watched_since = max(watched_since, started_at - RECONCILE_WITHIN)
        newest: datetime | None = None
        async for batch in _batches(self.desk.list_tickets(updated_since=since)):
            newest = _latest(newest, *(ticket.updated_at or ticket.created_at for ticket in batch))
            # Resuming skips what was read; but a build without update times lists its new tickets at the end, and of
            # those only the ones that may still be missed matter.
            progress = _latest(*(ticket.updated_at for ticket in batch))
            resume_from = min(progress, started_at - RECONCILE_WITHIN) if progress else None
            async with self.database.as_tenant(self.tenant.id) as session:
                stored = await upsert_tickets(session, self.tenant.id, batch, language=self.tenant.note.language)
                missed = await record_missed(
                    session,
                    self.tenant.id,
                    batch,
                    events=self.tenant.events,
                    since=watched_since,
                    until=started_at - grace,
                )
                await save_cursor(session, self.tenant.id, "tickets", Cursor(seen_up_to=resume_from))
            self._count("tickets", stored)
            self.report.missed += len(missed)
            for job_id in missed:
                await self.offer(self.tenant.id, job_id)
        # Not beyond the start: what changed while we read may have slipped by.
        await self._end("tickets", Cursor(seen_up_to=_earliest(newest, started_at), listed_at=started_at))

    async def sync_articles(self) -> None:
        started_at, cursor = await self._begin("articles")
        present: set[str] = set()
        newest: datetime | None = None
        since = _since(cursor, started_at)
        async for batch in _batches(self.desk.list_articles(updated_since=since)):
            present |= {article.id for article in batch}
            newest = _latest(newest, *(article.updated_at for article in batch))
            async with self.database.as_tenant(self.tenant.id) as session:
                stored = await upsert_articles(session, self.tenant.id, batch, language=self.tenant.note.language)
            self._count("articles", stored)
        if since is None:
            async with self.database.as_tenant(self.tenant.id) as session:
                self.report.removed += await drop_absent_articles(
                    session, self.tenant.id, present, language=self.tenant.note.language
                )
        await self._end("articles", _whole_or_part(newest, started_at, is_whole=since is None))

    async def sync_assets(self) -> None:
        started_at, cursor = await self._begin("assets")
        present: set[str] = set()
        newest: datetime | None = None
        since = _since(cursor, started_at)
        async for batch in _batches(self.desk.list_assets(updated_since=since)):
            present |= {asset.id for asset in batch}
            newest = _latest(newest, *(asset.updated_at for asset in batch))
            async with self.database.as_tenant(self.tenant.id) as session:
                stored = await upsert_assets(session, self.tenant.id, batch)
            self._count("assets", stored)
        if since is None:
            async with self.database.as_tenant(self.tenant.id) as session:
                self.report.removed += await drop_absent_assets(session, self.tenant.id, present)
        await self._end("assets", _whole_or_part(newest, started_at, is_whole=since is None))

    async def _begin(self, kind: CursorKind) -> tuple[datetime, Cursor]:
        """The time, by the database's clock, and how far *kind* was read."""
        self._count(kind, 0)
        async with self.database.as_tenant(self.tenant.id) as session:
            started_at: datetime = (await session.execute(_NOW)).scalar_one()
            return started_at, await load_cursor(session, self.tenant.id, kind)

    async def _watched_since(self, started_at: datetime) -> datetime:
        """When the tenant's first sync began: older tickets are its history, not missed."""
        async with self.database.as_tenant(self.tenant.id) as session:
            cursor = await load_cursor(session, self.tenant.id, "reconciliation")
            if cursor.seen_up_to is not None:
                return cursor.seen_up_to
            await save_cursor(session, self.tenant.id, "reconciliation", Cursor(seen_up_to=started_at))
        return started_at

    async def _end(self, kind: CursorKind, cursor: Cursor) -> None:
        async with self.database.as_tenant(self.tenant.id) as session:
            await save_cursor(session, self.tenant.id, kind, cursor)

    def _count(self, kind: CursorKind, stored: int) -> None:
        self.report.stored[kind] = self.report.stored.get(kind, 0) + stored


def _since(cursor: Cursor, now: datetime) -> datetime | None:
    """From when on to list; None when the whole listing is due, which alone can tell what vanished."""
    if cursor.seen_up_to is None or cursor.listed_at is None or now - cursor.listed_at >= LIST_ALL_EVERY:
        return None
    return cursor.seen_up_to - OVERLAP


def _whole_or_part(newest: datetime | None, started_at: datetime, *, is_whole: bool) -> Cursor:
    return Cursor(seen_up_to=_earliest(newest, started_at), listed_at=started_at if is_whole else None)


def _latest(*times: datetime | None) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


def _earliest(*times: datetime | None) -> datetime | None:
    return None if None in times else min(time for time in times if time is not None)


async def _batches(rows: AsyncIterator[Row]) -> AsyncIterator[list[Row]]:
    """*rows* in lists; also those that came before an error, which is raised after them."""
    batch: list[Row] = []
    clock = asyncio.get_running_loop().time
    begun = clock()
    try:
        async for row in rows:
            batch.append(row)
            if len(batch) >= _BATCH or clock() - begun > _LONGEST_BATCH.total_seconds():
                yield batch
                batch, begun = [], clock()
    except AppError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
