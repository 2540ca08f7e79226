"""The sync: reads tickets, articles and assets from ServiceDesk Plus into the database, and finds missing webhooks.

A help desk is read once, also where several tenants are accounts of it: each row goes to its account's tenant, and what
is of no known account is counted and stored for no one.

Invariant: it may be killed at any moment. A batch and the cursor that says it was read are stored together, what is
read twice is stored once, and what vanished is removed only after a listing that came to its end. A tenant that fails
stops no other, and of a tenant a kind that fails stops no other kind.

    cursor - overlap ─▶ tickets, oldest update first ─▶ batch: history │ missed deliveries │ cursor ─▶ ring
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import func, select

from app.core.accounts import Accounts
from app.core.article import Article
from app.core.asset import Asset
from app.core.help_desk import AccountRef
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.core.vectors import Embedder
from app.db.knowledge.cursors import Cursor, CursorKind, load_cursor
from app.db.knowledge.documents import ARTICLES, TICKETS, DocumentKind
from app.db.knowledge.indexing import index_next, is_indexed_otherwise
from app.db.knowledge.linking import keep_votes
from app.db.knowledge.origins import keep_origin
from app.db.knowledge.reconciliation import record_missed
from app.db.knowledge.store import (
    drop_absent_articles,
    drop_absent_assets,
    drop_articles,
    drop_assets,
    drop_tickets,
    save_cursor,
    upsert_articles,
    upsert_assets,
    upsert_tickets,
)
from app.db.knowledge.strays import Stray, keep_strays
from app.db.session import Database, open_database
from app.embedding import fill_vectors
from app.errors import AppError, TenantFileInvalid
from app.help_desks import open_help_desk
from app.integrations.markdown import read_folder
from app.queue import RingBroker, open_queue
from app.settings import SyncSettings
from app.tenants import KnownTenant, TenantDirectory

log = structlog.get_logger(__name__)

Offer = Callable[[UUID, UUID], Awaitable[bool]]
Row = TypeVar("Row")


class _Item(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_Item)

# Each run reads this much again: clocks differ, and tickets younger than `GRACE` were not checked the last time.
OVERLAP: Final = timedelta(minutes=10)
GRACE: Final = timedelta(minutes=2)
"""A ticket counts as missed when its webhook has not arrived after this time."""
RECONCILE_WITHIN: Final = timedelta(days=3)
"""Older missed tickets get no note: after a long outage there may be thousands, for which a note comes too late."""
LIST_ALL_EVERY: Final = timedelta(hours=6)
"""How often everything is listed. So an article whose approval was withdrawn is cited for at most this time."""

_BATCH: Final = 100
# If each ticket needs a call, a full batch takes many minutes. It is stored after this time at the latest.
_LONGEST_BATCH: Final = timedelta(seconds=30)
_TENANTS_AT_ONCE: Final = 4
_MAX_LABEL_CHARS: Final = 300
# Of a run that comes every ten minutes: missed webhooks must not wait for it.
_FILL_FOR: Final = timedelta(minutes=5)
# Nobody waits for the sync, and a help desk that throttles does so for minutes.
_LONGEST_WAIT_FOR_A_CALL: Final = timedelta(minutes=10)

_NOW: Final = select(func.clock_timestamp())


class Desk(Protocol):
    """The lists of a tenant's ServiceDesk Plus. Tickets come oldest update first, articles and assets in any order."""

    def list_tickets(self, *, updated_since: datetime | None) -> AsyncIterator[Ticket]: ...

    def list_articles(self, *, updated_since: datetime | None) -> AsyncIterator[Article]: ...

    def list_assets(self, *, updated_since: datetime | None) -> AsyncIterator[Asset]: ...


@dataclass(slots=True)
class SyncReport:
    """What the sync of one tenant, or of a shared instance, did."""

    slug: str
    stored: dict[CursorKind, int] = field(default_factory=dict)
    """Number of new or changed items of each kind."""
    removed: int = 0
    embedded: int = 0
    """Tickets that got vectors."""
    missed: int = 0
    """Tickets that no webhook told of, now recorded as deliveries."""
    strays: Counter[Stray] = field(default_factory=Counter)
    """Of an instance: rows that no tenant owns."""
    files_left_out: list[str] = field(default_factory=list)
    """The tenant's own Markdown files that could not be read, the first ones, each with the reason."""
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
        if self.embedded:
            parts.append(f"{self.embedded} tickets got vectors")
        unknown = {stray.account for stray in self.strays if stray.account}
        if unknown:
            parts.append(f"{len(unknown)} accounts that no tenant's file names")
        without = sum(count for stray, count in self.strays.items() if not stray.account)
        if without:
            parts.append(f"{without} rows without an account, stored for no one")
        return "; ".join([*parts, *(f"file {told}" for told in self.files_left_out), *self.problems])


def _open_embedder(settings: SyncSettings) -> AbstractAsyncContextManager[Embedder | None]:
    if settings.embedding_model is None:
        return nullcontext()
    # Here, since it loads the client of models, which a sync without vectors does without.
    from app.integrations.embeddings import open_embedder  # noqa: PLC0415 - a start cost

    return open_embedder(
        settings.embedding_model, base_url=settings.embedding_base_url, api_key=settings.embedding_api_key
    )


async def sync_all(
    settings: SyncSettings, desks: Iterable[DeskOwners], *, since: datetime | None = None
) -> list[SyncReport]:
    """Sync *desks*, a few at a time. Returns a report of each tenant, by slug."""
    async with (
        open_database(
            settings.database_url.get_secret_value(),
            pooler=settings.database_pooler,
            pool_size=settings.database_connections - settings.database_sessions,
            sessions=settings.database_sessions,
            name="ai-agents sync",
        ) as database,
        open_queue(RingBroker(settings.redis_url.get_secret_value())) as queue,
        _open_embedder(settings) as embedder,
    ):

        def open_desk(known: KnownTenant) -> AbstractAsyncContextManager[Desk]:
            return open_help_desk(known, database, longest_wait=_LONGEST_WAIT_FOR_A_CALL, is_patient=True)

        desks = list(desks)
        reports = await sync_each(
            database, desks, open_desk=open_desk, offer=queue.offer, since=since, files=settings.knowledge_dir
        )
        if embedder is not None:
            await _fill_vectors(database, desks, embedder, reports)
        return reports


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


@dataclass(frozen=True, slots=True)
class DeskOwners:
    """One help desk, and for whom it is read: the one tenant that owns it, or an instance's accounts."""

    known: KnownTenant
    """Whose key reads it: the tenant, or the instance."""
    accounts: Sequence[KnownTenant] = ()
    """Of an instance: all its tenants."""
    synced: frozenset[UUID] = frozenset()
    """The tenants for whom it is read now. Of others nothing is stored, and nothing is a stray."""

    @property
    def tenants(self) -> list[Tenant]:
        """Those that it is read for."""
        if not self.known.tenant.is_instance:
            return [self.known.tenant]
        return [known.tenant for known in self.accounts if known.tenant.id in self.synced]


def group_by_desk(directory: TenantDirectory, *, slug: str | None = None) -> list[DeskOwners]:
    """The help desks to read for the active tenants; with *slug*, for that tenant alone."""
    wanted = [known for known in directory if not known.tenant.is_suspended and slug in {None, known.tenant.slug}]
    desks: dict[UUID, list[UUID]] = {}
    for known in wanted:
        desks.setdefault(known.tenant.desk_id, []).append(known.tenant.id)
    found = []
    for desk_id, tenant_ids in desks.items():
        owner = directory.find(desk_id)
        if owner is None:  # the instance's file is not valid now: told by the directory
            continue
        accounts = directory.accounts_of(desk_id) if owner.tenant.is_instance else []
        active = {each.tenant.id for each in accounts if not each.tenant.is_suspended}
        # An instance by its own name stands for all its accounts.
        synced = active if owner.tenant.is_instance and desk_id in tenant_ids else set(tenant_ids)
        found.append(DeskOwners(owner, accounts, frozenset(synced)))
    return found


async def sync_each(
    database: Database,
    desks: Iterable[DeskOwners],
    *,
    open_desk: Callable[[KnownTenant], AbstractAsyncContextManager[Desk]],
    offer: Offer,
    since: datetime | None = None,
    files: Path | None = None,
) -> list[SyncReport]:
    """Sync *desks*, a few at a time, whatever happens to one of them. Returns a report of each tenant, by slug."""
    free = asyncio.Semaphore(_TENANTS_AT_ONCE)

    async def sync_one(owners: DeskOwners) -> list[SyncReport]:
        async with free:
            try:
                async with open_desk(owners.known) as desk:
                    return await sync_desk(database, owners, desk, offer=offer, since=since, files=files)
            except AppError as error:
                return [SyncReport(owners.known.tenant.slug, problems=[error.detail])]
            except Exception as error:  # a bug of ours, met with one help desk's data
                slug = owners.known.tenant.slug
                log.exception("sync_failed", tenant=slug)
                return [SyncReport(slug, problems=[_our_fault(error)])]

    reports = await asyncio.gather(*(sync_one(owners) for owners in desks))
    return sorted((report for of_desk in reports for report in of_desk), key=lambda report: report.slug)


async def sync_desk(
    database: Database,
    owners: DeskOwners,
    desk: Desk,
    *,
    offer: Offer,
    since: datetime | None = None,
    grace: timedelta = GRACE,
    files: Path | None = None,
) -> list[SyncReport]:
    """Bring the tickets, articles and assets of one help desk up to date, and record what no webhook told of.

    Each list is read once; its rows are dealt out to the accounts.

    Args:
        database: As the worker's role.
        owners: For whom.
        desk: Their ServiceDesk Plus.
        offer: Rings for a delivery; False is fine, the relay rings again.
        since: On a tenant's first run, no ticket that was updated before; None: all.
        grace: How long a webhook may take.
        files: The folder that holds the tenants' folders of Markdown; None: there is none.

    Returns:
        A report of each tenant; of an instance one more, of itself.

    On its first run a tenant misses nothing: from then on tickets are watched.
    """
    run = _Run(database, owners, desk, offer)
    for kind, step in (
        ("accounts", run.leave_out_changed),
        ("search index", run.index_again),
        ("tickets", lambda: run.sync_tickets(since=since, grace=grace)),
        ("articles", run.sync_articles),
        ("files", lambda: run.sync_files(files)),
        ("assets", run.sync_assets),
    ):
        try:
            await step()
        except AppError as error:
            log.warning("sync_failed", tenant=owners.known.tenant.slug, kind=kind, error=error.detail)
            run.report.problems.append(f"{kind}: {error.detail}")
        except Exception as error:  # a bug of ours, met with this kind's data
            log.exception("sync_failed", tenant=owners.known.tenant.slug, kind=kind)
            run.report.problems.append(f"{kind}: {_our_fault(error)}")
    return await run.finish()


def _our_fault(error: Exception) -> str:
    return f"a fault of ours ({type(error).__name__}), see the log"


@dataclass(slots=True)
class _Share:
    """One tenant's part of a run."""

    database: Database
    tenant: Tenant
    report: SyncReport
    cursor: Cursor = field(default_factory=Cursor)
    """Of the kind that is read now, as it was before."""

    async def begin(self, kind: CursorKind) -> datetime:
        """Load the cursor of *kind*. Returns the time, by the database's clock."""
        self.count(kind, 0)
        async with self.database.as_tenant(self.tenant.id) as session:
            started_at: datetime = (await session.execute(_NOW)).scalar_one()
        self.cursor = await load_cursor(self.database, self.tenant.id, kind)
        return started_at

    async def watched_since(self, started_at: datetime) -> datetime:
        """From when on a ticket may be missed. What was there when the tenant's first sync began is its history."""
        first = (await load_cursor(self.database, self.tenant.id, "reconciliation")).seen_up_to
        if first is None:
            first = started_at
            async with self.database.as_tenant(self.tenant.id) as session:
                await save_cursor(session, self.tenant.id, "reconciliation", Cursor(seen_up_to=first))
        overlap = self.cursor.seen_up_to - OVERLAP if self.cursor.seen_up_to is not None else first
        return max(first, overlap, started_at - RECONCILE_WITHIN)

    async def index_again(self, kind: DocumentKind) -> None:
        tenant_id, language = self.tenant.id, self.tenant.note.language
        async with self.database.as_tenant(tenant_id) as session:
            is_due = await is_indexed_otherwise(session, tenant_id, kind, language=language)
        after: str | None = "" if is_due else None
        while after is not None:
            async with self.database.as_tenant(tenant_id) as session:
                after = await index_next(session, tenant_id, kind, after=after, language=language)

    async def drop_foreign(self, kind: CursorKind, ids: Collection[str]) -> None:
        """Remove what is stored of these items, which are of other accounts by now, or of none."""
        tenant = self.tenant
        async with self.database.as_tenant(tenant.id) as session:
            if kind == "assets":
                removed = await drop_assets(session, tenant.id, ids)
            else:
                drop = drop_tickets if kind == "tickets" else drop_articles
                removed = await drop(session, tenant.id, ids, language=tenant.note.language)
        self.report.removed += removed

    async def store_tickets(
        self, tickets: Sequence[Ticket], *, watched_since: datetime, until: datetime, resume_from: datetime | None
    ) -> list[UUID]:
        """Store *tickets* and how far the reading is. Returns the new deliveries of those that were missed."""
        tenant = self.tenant
        async with self.database.as_tenant(tenant.id) as session:
            stored = await upsert_tickets(session, tenant.id, tickets, language=tenant.note.language)
            missed = await record_missed(
                session, tenant.id, tickets, events=tenant.events, since=watched_since, until=until
            )
            await save_cursor(session, tenant.id, "tickets", Cursor(seen_up_to=resume_from))
        self.count("tickets", stored)
        self.report.missed += len(missed)
        return missed

    async def store_articles(self, articles: Sequence[Article]) -> None:
        tenant = self.tenant
        async with self.database.as_tenant(tenant.id) as session:
            stored = await upsert_articles(session, tenant.id, articles, language=tenant.note.language)
        self.count("articles", stored)

    async def store_files(self, folder: Path) -> None:
        """Store the tenant's articles that are files in *folder*, and remove those whose files are gone."""
        tenant, read = self.tenant, await asyncio.to_thread(read_folder, folder)
        present = {article.id for article in read.articles} | read.unread
        language = tenant.note.language
        async with self.database.as_tenant(tenant.id) as session:
            stored = await upsert_articles(session, tenant.id, read.articles, language=language)
            removed = await drop_absent_articles(session, tenant.id, present, language=language, of_files=True)
        self.count("articles", stored)
        self.report.removed += removed
        for problem in read.problems:
            log.warning("knowledge_file_left_out", tenant=tenant.slug, problem=problem)
        self.report.files_left_out += read.problems

    async def drop_absent_articles(self, present: set[str]) -> None:
        tenant = self.tenant
        async with self.database.as_tenant(tenant.id) as session:
            self.report.removed += await drop_absent_articles(
                session, tenant.id, present, language=tenant.note.language
            )

    async def store_assets(self, assets: Sequence[Asset]) -> None:
        async with self.database.as_tenant(self.tenant.id) as session:
            stored = await upsert_assets(session, self.tenant.id, assets)
        self.count("assets", stored)

    async def drop_absent_assets(self, present: set[str]) -> None:
        async with self.database.as_tenant(self.tenant.id) as session:
            self.report.removed += await drop_absent_assets(session, self.tenant.id, present)

    async def end(self, kind: CursorKind, cursor: Cursor) -> None:
        async with self.database.as_tenant(self.tenant.id) as session:
            await save_cursor(session, self.tenant.id, kind, cursor)
            if kind == "tickets":
                await keep_votes(session, self.tenant.id)

    def count(self, kind: CursorKind, stored: int) -> None:
        self.report.stored[kind] = self.report.stored.get(kind, 0) + stored


class _Run:
    """One reading of one help desk."""

    def __init__(self, database: Database, owners: DeskOwners, desk: Desk, offer: Offer) -> None:
        self._database = database
        self._owner = owners.known.tenant
        self._desk = desk
        self._offer = offer
        self.report = SyncReport(self._owner.slug)
        """Of the tenant that owns the help desk, or of the instance."""
        if not self._owner.is_instance:
            self._shares = [_Share(database, self._owner, self.report)]
            self._accounts: Accounts[_Share] | None = None
            return
        entries = [
            (account, _Share(database, known.tenant, SyncReport(known.tenant.slug)))
            for known in owners.accounts
            if (account := known.tenant.servicedesk.account) is not None
        ]
        self._accounts = Accounts(entries)
        self._left_out: list[SyncReport] = []
        self._shares = [share for _, share in entries if share.tenant.id in owners.synced]

    async def finish(self) -> list[SyncReport]:
        """The reports; what no tenant owns is kept for the console."""
        if self._accounts is None:
            return [self.report]
        if not self.report.has_failed:
            await keep_strays(self._database, self._owner.id, self.report.strays)
        return [self.report, *(share.report for share in self._shares), *self._left_out]

    async def leave_out_changed(self) -> None:
        """Store nothing more of a tenant whose file names another account than before."""
        for share in list(self._shares):
            try:
                await keep_origin(self._database, share.tenant)
            except TenantFileInvalid as error:
                self._leave_out(share, error.detail)

    def _leave_out(self, share: _Share, problem: str) -> None:
        share.report.problems.append(problem)
        self._shares.remove(share)
        self._left_out.append(share.report)

    @contextmanager
    def _alone(self, share: _Share) -> Iterator[None]:
        """What one account's rows break in us leaves it out of the rest of this run, and no other account."""
        try:
            yield
        except AppError:
            raise
        except Exception as error:
            if self._accounts is None:
                raise
            log.exception("sync_failed", tenant=share.tenant.slug)
            self._leave_out(share, _our_fault(error))

    async def index_again(self) -> None:
        """Index what was indexed in another language or by older rules, a batch a transaction."""
        for share in list(self._shares):
            with self._alone(share):
                for kind in (TICKETS, ARTICLES):
                    await share.index_again(kind)

    async def sync_tickets(self, *, since: datetime | None, grace: timedelta) -> None:
        started_at = await self._begin("tickets")
        watched: dict[int, datetime] = {}
        for share in list(self._shares):
            with self._alone(share):
                watched[id(share)] = await share.watched_since(started_at)
        begins = [share.cursor.seen_up_to - OVERLAP if share.cursor.seen_up_to else since for share in self._shares]
        # Of an instance without tenants only what shows which accounts there are.
        begins = begins or [started_at - RECONCILE_WITHIN]
        newest: datetime | None = None
        async for batch in _batches(self._desk.list_tickets(updated_since=_earliest(*begins))):
            newest = _latest(newest, *(ticket.updated_at or ticket.created_at for ticket in batch))
            # A run that was resumed skips tickets that were read. But a build without update times lists new tickets at
            # the end; of those only the ones that can still count as missed are needed.
            progress = _latest(*(ticket.updated_at for ticket in batch))
            resume_from = min(progress, started_at - RECONCILE_WITHIN) if progress else None
            dealt = await self._deal("tickets", batch, lambda ticket: self._one_of(ticket.account))
            for share, tickets in dealt:
                with self._alone(share):
                    missed = await share.store_tickets(
                        tickets, watched_since=watched[id(share)], until=started_at - grace, resume_from=resume_from
                    )
                    for job_id in missed:
                        await self._offer(share.tenant.id, job_id)
        # Not beyond the start: what changed while we read may have slipped by.
        await self._end("tickets", Cursor(seen_up_to=_earliest(newest, started_at), listed_at=started_at))

    async def sync_articles(self) -> None:
        started_at = await self._begin("articles")
        since = self._since(started_at)
        present: dict[int, set[str]] = {id(share): set() for share in self._shares}
        newest: datetime | None = None
        async for batch in _batches(self._desk.list_articles(updated_since=since)):
            newest = _latest(newest, *(article.updated_at for article in batch))
            for share, articles in await self._deal("articles", batch, self._of_article):
                present[id(share)] |= {article.id for article in articles}
                with self._alone(share):
                    await share.store_articles(articles)
        if since is None:
            for share in list(self._shares):
                with self._alone(share):
                    await share.drop_absent_articles(present[id(share)])
        await self._end("articles", _whole_or_part(newest, started_at, is_whole=since is None))

    async def sync_files(self, files: Path | None) -> None:
        """Where the folder of all tenants' files is not mounted, nothing is stored, and nothing removed."""
        if files is None:
            return
        if not await asyncio.to_thread(files.is_dir):
            log.warning("knowledge_not_mounted")
            return
        for share in list(self._shares):
            with self._alone(share):
                await share.store_files(files / share.tenant.slug)

    async def sync_assets(self) -> None:
        started_at = await self._begin("assets")
        since = self._since(started_at)
        present: dict[int, set[str]] = {id(share): set() for share in self._shares}
        newest: datetime | None = None
        async for batch in _batches(self._desk.list_assets(updated_since=since)):
            newest = _latest(newest, *(asset.updated_at for asset in batch))
            for share, assets in await self._deal("assets", batch, self._of_asset):
                present[id(share)] |= {asset.id for asset in assets}
                with self._alone(share):
                    await share.store_assets(assets)
        if since is None:
            for share in list(self._shares):
                with self._alone(share):
                    await share.drop_absent_assets(present[id(share)])
        await self._end("assets", _whole_or_part(newest, started_at, is_whole=since is None))

    async def _begin(self, kind: CursorKind) -> datetime:
        self.report.stored.setdefault(kind, 0)
        times = []
        for share in list(self._shares):
            with self._alone(share):
                times.append(await share.begin(kind))
        return min(times, default=datetime.now(UTC))

    async def _end(self, kind: CursorKind, cursor: Cursor) -> None:
        for share in list(self._shares):
            with self._alone(share):
                await share.end(kind, cursor)

    def _since(self, now: datetime) -> datetime | None:
        """From when on to list: what the tenant needs that was read longest ago."""
        return _earliest(*(_since(share.cursor, now) for share in self._shares)) if self._shares else None

    def _one_of(self, told: AccountRef) -> list[_Share]:
        found = None if self._accounts is None else self._accounts.find(told)
        return [] if found is None else [found]

    def _of_article(self, article: Article) -> list[_Share]:
        return [] if self._accounts is None else self._accounts.of_article(article, self._owner.servicedesk)

    def _of_asset(self, asset: Asset) -> list[_Share]:
        found = None if self._accounts is None else self._accounts.of_asset(asset)
        return [] if found is None else [found]

    async def _deal(
        self, kind: CursorKind, batch: list[Item], owners_of: Callable[[Item], list[_Share]]
    ) -> list[tuple[_Share, list[Item]]]:
        """The rows of each tenant. What no tenant owns is counted and dropped; what moved leaves those who had it."""
        if self._accounts is None:
            return [(self._shares[0], batch)]
        dealt: dict[int, dict[str, Item]] = {id(share): {} for share in self._shares}
        latest = {row.id: row for row in batch}  # one that moved while it was listed comes twice
        for row in latest.values():
            owners = owners_of(row)
            if not owners:
                self.report.strays[Stray(kind, _label(row))] += 1
            for share in owners:
                if id(share) in dealt:
                    dealt[id(share)][row.id] = row
        for share in list(self._shares):
            if foreign := latest.keys() - dealt[id(share)].keys():
                with self._alone(share):
                    await share.drop_foreign(kind, foreign)
        return [(share, [*dealt[id(share)].values()]) for share in self._shares if dealt[id(share)]]


def _label(row: object) -> str:
    """The account that a row names, as a person reads it; empty: none."""
    told = getattr(row, "accounts", None) or (getattr(row, "account", AccountRef()),)
    return ", ".join(each.label for each in told if each.label)[:_MAX_LABEL_CHARS]


def _since(cursor: Cursor, now: datetime) -> datetime | None:
    """List items updated since this time. None: list all, which is due, since only that shows what was deleted."""
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
    """*rows* in batches. If reading fails, the rows before the error come as a last batch, then it is raised."""
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
