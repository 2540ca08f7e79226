"""Reads one help desk, list by list, and deals its rows out to the tenants that own them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol, TypeVar
from uuid import UUID

import structlog

from app.core.accounts import Accounts
from app.core.article import Article
from app.core.asset import Asset
from app.core.help_desk import AccountRef
from app.core.ticket import Ticket
from app.db.knowledge.cursors import Cursor, CursorKind
from app.db.knowledge.documents import ARTICLES, TICKETS
from app.db.knowledge.origins import keep_origin
from app.db.knowledge.strays import Stray, keep_strays
from app.db.session import Database
from app.errors import AppError, TenantFileInvalid
from app.sync.owners import DeskOwners
from app.sync.report import SyncReport, our_fault
from app.sync.share import RECONCILE_WITHIN, Share

Offer = Callable[[UUID, UUID], Awaitable[bool]]
Row = TypeVar("Row")


class _Item(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def updated_at(self) -> datetime | None: ...


Item = TypeVar("Item", bound=_Item)

GRACE: Final = timedelta(minutes=2)
"""A ticket counts as missed when its webhook has not arrived after this time."""

_BATCH: Final = 100
# If each ticket needs a call, a full batch takes many minutes. It is stored after this time at the latest.
_LONGEST_BATCH: Final = timedelta(seconds=30)
_MAX_LABEL_CHARS: Final = 300

log = structlog.get_logger(__name__)


class Desk(Protocol):
    """The lists of a tenant's ServiceDesk Plus. Tickets come oldest update first, articles and assets in any order."""

    def list_tickets(self, *, updated_since: datetime | None) -> AsyncIterator[Ticket]: ...

    def list_articles(self, *, updated_since: datetime | None) -> AsyncIterator[Article]: ...

    def list_assets(self, *, updated_since: datetime | None) -> AsyncIterator[Asset]: ...


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

    Each list is read once; its rows are dealt out to the accounts. Returns a report of each tenant; of an instance one
    more, of itself. On its first run a tenant misses nothing: from then on tickets are watched.

    *offer* rings for a delivery; where it can't, the relay does. *since*: on a tenant's first run, no ticket that was
    updated before. *grace*: how long a webhook may take. *files* holds the tenants' folders of Markdown.
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
            run.report.problems.append(f"{kind}: {our_fault(error)}")
    return await run.finish()


class _Run:
    """One reading of one help desk."""

    def __init__(self, database: Database, owners: DeskOwners, desk: Desk, offer: Offer) -> None:
        self._database = database
        self._owner = owners.known.tenant
        self._desk = desk
        self._offer = offer
        self.report = SyncReport(self._owner.slug)
        """Of the tenant that owns the help desk, or of the instance."""
        self._left_out: list[SyncReport] = []
        self._accounts = Accounts[Share]([])
        if not self._owner.is_instance:
            self._shares = [Share(database, self._owner, self.report)]
            return
        entries = [
            (account, Share(database, known.tenant, SyncReport(known.tenant.slug)))
            for known in owners.accounts
            if (account := known.tenant.servicedesk.account) is not None
        ]
        self._accounts = Accounts(entries)
        self._shares = [share for _, share in entries if share.tenant.id in owners.synced]

    async def finish(self) -> list[SyncReport]:
        """The reports; what no tenant owns is kept for the console."""
        if not self._owner.is_instance:
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

    def _leave_out(self, share: Share, problem: str) -> None:
        share.report.problems.append(problem)
        self._shares.remove(share)
        self._left_out.append(share.report)

    @contextmanager
    def _alone(self, share: Share) -> Iterator[None]:
        """What one account's rows break in us leaves it out of the rest of this run, and no other account."""
        try:
            yield
        except AppError:
            raise
        except Exception as error:
            if not self._owner.is_instance:
                raise
            log.exception("sync_failed", tenant=share.tenant.slug)
            self._leave_out(share, our_fault(error))

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
        begins = [share.read_again_from or since for share in self._shares]
        # Of an instance without tenants only what shows which accounts there are.
        begins = begins or [started_at - RECONCILE_WITHIN]
        newest: datetime | None = None
        async for batch in _batches(self._desk.list_tickets(updated_since=_earliest(*begins))):
            newest = _latest(newest, *(ticket.updated_at or ticket.created_at for ticket in batch))
            # A run that was resumed skips tickets that were read. But a build without update times lists new tickets at
            # the end; of those only the ones that can still count as missed are needed.
            progress = _latest(*(ticket.updated_at for ticket in batch))
            resume_from = min(progress, started_at - RECONCILE_WITHIN) if progress else None
            dealt = await self._deal("tickets", batch, lambda ticket: _listed(self._accounts.find(ticket.account)))
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
        def owners_of(article: Article) -> list[Share]:
            return self._accounts.of_article(article, self._owner.servicedesk)

        await self._sync_all_of(
            "articles", self._desk.list_articles, owners_of, Share.store_articles, Share.drop_absent_articles
        )

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
        def owners_of(asset: Asset) -> list[Share]:
            return _listed(self._accounts.of_asset(asset))

        await self._sync_all_of(
            "assets", self._desk.list_assets, owners_of, Share.store_assets, Share.drop_absent_assets
        )

    async def _sync_all_of(
        self,
        kind: CursorKind,
        list_rows: Callable[..., AsyncIterator[Item]],
        owners_of: Callable[[Item], list[Share]],
        store: Callable[[Share, Sequence[Item]], Awaitable[None]],
        drop_absent: Callable[[Share, set[str]], Awaitable[None]],
    ) -> None:
        """Store the rows of *kind* that changed; where all were listed, remove what was not among them."""
        started_at = await self._begin(kind)
        since = self._list_since(started_at)
        present: dict[int, set[str]] = {id(share): set() for share in self._shares}
        newest: datetime | None = None
        async for batch in _batches(list_rows(updated_since=since)):
            newest = _latest(newest, *(row.updated_at for row in batch))
            for share, rows in await self._deal(kind, batch, owners_of):
                present[id(share)] |= {row.id for row in rows}
                with self._alone(share):
                    await store(share, rows)
        if since is None:
            for share in list(self._shares):
                with self._alone(share):
                    await drop_absent(share, present[id(share)])
        listed_at = started_at if since is None else None
        await self._end(kind, Cursor(seen_up_to=_earliest(newest, started_at), listed_at=listed_at))

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

    def _list_since(self, now: datetime) -> datetime | None:
        """From when on to list: what the tenant needs that was read longest ago. None: all."""
        return _earliest(*(share.list_since(now) for share in self._shares)) if self._shares else None

    async def _deal(
        self, kind: CursorKind, batch: list[Item], owners_of: Callable[[Item], list[Share]]
    ) -> list[tuple[Share, list[Item]]]:
        """The rows of each tenant. What no tenant owns is counted and dropped; what moved leaves those who had it."""
        if not self._owner.is_instance:
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


def _listed(share: Share | None) -> list[Share]:
    return [] if share is None else [share]


def _label(row: object) -> str:
    """The account that a row names, as a person reads it; empty: none."""
    told = getattr(row, "accounts", None) or (getattr(row, "account", AccountRef()),)
    return ", ".join(each.label for each in told if each.label)[:_MAX_LABEL_CHARS]


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
