"""A worker's parts in this process: real PostgreSQL and Valkey, a help desk and a model that are loopback servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.core.delivery import compute_job_id, parse_webhook
from app.core.help_desk import Edition
from app.core.tenant import Language, Tenant
from app.db.knowledge.store import upsert_articles, upsert_tickets
from app.db.ledger.intake import AcceptedDelivery, Intake
from app.db.reports.deliveries import DeliveryView, list_deliveries
from app.db.session import Database
from app.settings import WorkerSettings
from app.simulator.faults import Fault
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.worker.app import Worker, open_worker
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.offline_model import ModelSimulator
from tests.builders import a_body, a_tenant, a_ticket, an_article, write_tenant
from tests.integration.nobody import run_as_nobody

A_TICKET: Final = {
    "subject": "Outlook receives no mail",
    "description": "Outlook on PC-0231 shows no mail since noon.",
}


@dataclass
class Scene:
    """A help desk, a model, the ledger, and a worker that works when it is told to."""

    portal: Portal
    model: ModelSimulator
    intake: Intake
    database: Database
    worker: Worker

    async def accept(self, owner: UUID, ticket_id: str, **body: Any) -> UUID:
        """Accept a webhook about *ticket_id* as the API does."""
        raw = a_body(ticket_id=ticket_id, **body)
        webhook = parse_webhook(raw)
        job_id = compute_job_id(owner, webhook, signed_id=None)
        await self.intake.accept(AcceptedDelivery(owner, job_id, ticket_id, webhook.event, raw, None))
        return job_id

    async def accept_and_work(self, owner: UUID, ticket_id: str, **body: Any) -> UUID:
        job_id = await self.accept(owner, ticket_id, **body)
        await self.work()
        return job_id

    async def work(self) -> int:
        """Claim and work until nothing is due. Returns how many attempts that were."""
        attempts = 0
        while await self.worker.attempts.work_once():
            attempts += 1
        return attempts

    async def make_due(self) -> None:
        """Let what waits for another attempt wait no longer."""
        await run_as_nobody(self.database, "update due set due_at = now() where not is_leased")

    async def work_again(self) -> int:
        """`work`, also on what waits for another attempt."""
        await self.make_due()
        return await self.work()

    def notes(self, ticket_id: str) -> list[str]:
        return [note.html for note in self.portal.notes(ticket_id)]

    def fault(self, match: str, kind: str, **values: Any) -> None:
        self.portal.faults.add(Fault.model_validate({"match": match, "kind": kind, **values}))


@dataclass
class Stage(Scene):
    """One tenant with all that serves it."""

    tenant: Tenant

    def ticket(self, **changes: Any) -> str:
        """A new ticket on the help desk; its id."""
        return self.portal.add_ticket(**{**A_TICKET, **changes}).id

    def refused_ticket(self) -> str:
        """A ticket that our technician may not read, so that its delivery fails at once."""
        ticket_id = self.ticket()
        self.fault(f"GET requests/{ticket_id}", "status", status=403, times=None)
        return ticket_id

    async def deliver(self, ticket_id: str, *, tenant_id: UUID | None = None, **body: Any) -> UUID:
        return await self.accept(tenant_id or self.tenant.id, ticket_id, **body)

    async def deliver_and_work(self, ticket_id: str, *, tenant_id: UUID | None = None, **body: Any) -> UUID:
        return await self.accept_and_work(tenant_id or self.tenant.id, ticket_id, **body)

    async def note_on(self, ticket_id: str, **options: Any) -> str:
        """The one note that comes of a webhook."""
        await self.deliver_and_work(ticket_id, **options)
        [note] = self.notes(ticket_id)
        return note

    async def delivery(self, job_id: UUID, *, tenant_id: UUID | None = None) -> DeliveryView:
        found = await list_deliveries(self.database, tenant_id or self.tenant.id, limit=1000)
        return next(each for each in found if each.job_id == job_id)

    async def delivery_of(self, ticket_id: str) -> DeliveryView:
        """The first delivery about a ticket."""
        found = await list_deliveries(self.database, self.tenant.id, limit=1000)
        return next(each for each in reversed(found) if each.ticket_id == ticket_id)

    async def end_rests(self) -> None:
        """Let what rests after failures be tried again."""
        async with self.database.as_tenant(self.tenant.id) as session:
            await session.execute(text("update gate set closed_until = now() where closed_until > now()"))


def worker_settings(urls: DatabaseUrls, valkey: ValkeyServer, folder: Path, model: ModelSimulator) -> WorkerSettings:
    return _settings_on(urls.worker, valkey.url).model_copy(
        update={
            "tenants_dir": folder / "files",
            "tenant_secrets_dir": folder / "secrets",
            "openai_base_url": model.url,
        }
    )


@cache
def _settings_on(database_url: str, redis_url: str) -> WorkerSettings:
    """Of a worker on these servers. To read the environment is a tenth of a test's CPU."""
    return WorkerSettings.model_validate(
        {
            "database_url": database_url,
            "redis_url": redis_url,
            "openai_api_key": "offline",
            "context_timeout_seconds": 5,
            "llm_timeout_seconds": 3,
            "note_timeout_seconds": 1,
            "lease_seconds": 4,
        }
    )


def add_tenant(help_desk: HelpDeskSimulator, folder: Path, **changes: Any) -> tuple[Tenant, Portal]:
    """A tenant with a portal of its own, on premises unless *changes* say otherwise."""
    slug = changes.pop("slug", f"t{uuid4().hex[:8]}")
    options = changes.pop("servicedesk", {})
    if options.get("edition") == Edition.CLOUD:
        client: dict[str, Any] = {"client_id": "id", "client_secret": "cs", "refresh_token": "rt"}
        portal = help_desk.add_portal(Portal(slug=slug, edition=Edition.CLOUD, **client))
        options = {"accounts_url": portal.accounts_url, **options}
        secrets = {f"oauth_{name}": value for name, value in client.items()}
    else:
        portal = help_desk.add_portal(Portal(slug=slug, edition=Edition.ON_PREMISES, api_key="key"))
        secrets = {"api_key": "key"}
    tenant = a_tenant(slug, servicedesk={"url": portal.url, **options}, **changes)
    write_tenant(folder, tenant, webhook_secret="secret", **secrets)
    return tenant, portal


@pytest.fixture
async def stage(
    request: pytest.FixtureRequest,
    urls: DatabaseUrls,
    worker_db: Database,
    intake: Intake,
    valkey: ValkeyServer,
    help_desk: HelpDeskSimulator,
    model: ModelSimulator,
    tmp_path: Path,
) -> AsyncIterator[Stage]:
    """A stage with a little history. `@pytest.mark.parametrize("stage", [{…}], indirect=True)` changes its tenant."""
    tenant, portal = add_tenant(help_desk, tmp_path, **deepcopy(getattr(request, "param", {})))
    async with open_worker(worker_settings(urls, valkey, tmp_path, model)) as worker:
        stage = Stage(portal, model, intake, worker_db, worker, tenant)
        await fill_ticket_history(worker_db, tenant)
        yield stage
        await clear(worker_db)


_HISTORY_TABLES: Final = ("ticket", "article", "posting", "term", "corpus")
_INSERT_HISTORY: Final = text(
    "with "
    + ", ".join(
        f"new_{table} as (insert into {table} overriding system value"
        f" select * from jsonb_populate_recordset(null::{table}, cast(:rows as jsonb) -> '{table}'))"
        for table in _HISTORY_TABLES
    )
    + " select"
)
# No database's sequence comes to these numbers of documents, so the rows of one fit into each.
_OF_NO_SEQUENCE: Final = 1_000_000

_histories: dict[Language, dict[str, list[dict[str, Any]]]] = {}
"""The rows of each table."""


async def fill_ticket_history(database: Database, tenant: Tenant) -> None:
    """Two resolved tickets and an article, one of each about Outlook. Indexed once in each language, then copied."""
    language = tenant.note.language
    if language not in _histories:
        await _write_ticket_history(database, tenant)
        _histories[language] = await _read_ticket_history(database, tenant)
        return
    rows = {
        table: [{**row, "tenant_id": str(tenant.id)} for row in rows] for table, rows in _histories[language].items()
    }
    async with database.as_tenant(tenant.id) as session:
        await session.execute(_INSERT_HISTORY, {"rows": json.dumps(rows)})


async def _read_ticket_history(database: Database, tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    async with database.as_tenant(tenant.id) as session:
        for table in _HISTORY_TABLES:
            rows = await session.scalar(text(f"select coalesce(jsonb_agg(t), '[]') from {table} t"))
            found[table] = [
                {**row, "document": row["document"] + _OF_NO_SEQUENCE} if "document" in row else row for row in rows
            ]
    return found


async def _write_ticket_history(database: Database, tenant: Tenant) -> None:
    language = tenant.note.language
    async with database.as_tenant(tenant.id) as session:
        await upsert_tickets(
            session,
            tenant.id,
            [
                a_ticket(
                    id="900",
                    subject="Outlook shows no new mail",
                    description="Outlook does not receive mail since this morning.",
                    resolution="Cached mode was off. Turned on cached mode and repaired the Outlook profile.",
                    status="Resolved",
                    resolved_at="2026-10-01T10:00:00Z",
                ),
                a_ticket(
                    id="901",
                    subject="Printer jams",
                    description="Paper jams in tray two of the printer.",
                    resolution="Replaced the pickup roller of tray two.",
                    status="Resolved",
                    resolved_at="2026-10-02T10:00:00Z",
                ),
            ],
            language=language,
        )
    async with database.as_tenant(tenant.id) as session:
        await upsert_articles(session, tenant.id, [an_article()], language=language)


async def clear(database: Database) -> None:
    """Nothing of this stage is claimed by the next."""
    await run_as_nobody(database, "delete from due")


async def eventually(condition: Any, *, limit_s: float = 15.0) -> None:
    """Wait until *condition* (a callable, awaited if need be) holds."""
    async with asyncio.timeout(limit_s):
        while True:
            value = condition()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return
            await asyncio.sleep(0.05)
