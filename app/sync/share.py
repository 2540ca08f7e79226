"""One tenant's part of a run: what is stored and removed as that tenant, and how far it was read."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import func, select

from app.core.article import Article
from app.core.asset import Asset
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.db.knowledge.cursors import Cursor, CursorKind, load_cursor
from app.db.knowledge.documents import ARTICLES, TICKETS, DocumentKind
from app.db.knowledge.indexing import index_next, is_indexed_otherwise
from app.db.knowledge.linking import keep_votes
from app.db.knowledge.reconciliation import record_missed
from app.db.knowledge.store import (
    drop_absent_articles,
    drop_absent_assets,
    drop_assets,
    drop_stored,
    save_cursor,
    upsert_articles,
    upsert_assets,
    upsert_tickets,
)
from app.db.session import Database
from app.integrations.markdown import read_folder
from app.sync.report import SyncReport

# Each run reads this much again: clocks differ, and tickets younger than `GRACE` were not checked the last time.
OVERLAP: Final = timedelta(minutes=10)
LIST_ALL_EVERY: Final = timedelta(hours=6)
"""How often everything is listed. So an article whose approval was withdrawn is cited for at most this time."""
RECONCILE_WITHIN: Final = timedelta(days=3)
"""Older missed tickets get no note: after a long outage there may be thousands, for which a note comes too late."""
_NOW: Final = select(func.clock_timestamp())

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Share:
    """One tenant's part of a run."""

    database: Database
    tenant: Tenant
    report: SyncReport
    cursor: Cursor = field(default_factory=Cursor)
    """Of the kind that is read now, as it was before."""

    @property
    def read_again_from(self) -> datetime | None:
        """None: nothing of the kind was read yet."""
        return self.cursor.seen_up_to - OVERLAP if self.cursor.seen_up_to else None

    def list_since(self, now: datetime) -> datetime | None:
        """None: all is due to be listed, since only that shows what was deleted."""
        listed_at = self.cursor.listed_at
        return None if listed_at is None or now - listed_at >= LIST_ALL_EVERY else self.read_again_from

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
        return max(first, self.read_again_from or first, started_at - RECONCILE_WITHIN)

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
                of_kind: DocumentKind = TICKETS if kind == "tickets" else ARTICLES
                removed = await drop_stored(session, tenant.id, of_kind, ids, language=tenant.note.language)
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
        present = {article.id for article in read.articles}
        language = tenant.note.language
        async with self.database.as_tenant(tenant.id) as session:
            stored = await upsert_articles(session, tenant.id, read.articles, language=language)
            removed = await drop_absent_articles(
                session, tenant.id, present, language=language, of_files=True, unread=read.unread
            )
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
