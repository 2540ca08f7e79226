"""Passwords of database and Redis are changed while processes run: what a person does, and what the product does meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from app.core.tenant import Tenant
from app.db.session import Database
from app.sender import Sender
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.tenants import KnownTenant, TenantSecrets
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.offline_model import ModelSimulator
from tests.connections import connected
from tests.integration.processes import open_api_process, open_worker_process
from tests.integration.worker.conftest import add_tenant, eventually, fill_ticket_history


@dataclass(frozen=True)
class Served:
    """A client, and the servers that its notes need besides ours."""

    tenant: Tenant
    portal: Portal
    model: ModelSimulator


@pytest.fixture
async def served(worker_db: Database, help_desk: HelpDeskSimulator, model: ModelSimulator, tmp_path: Path) -> Served:
    tenant, portal = add_tenant(help_desk, tmp_path, slug="acme")
    await fill_ticket_history(worker_db, tenant)
    return Served(tenant, portal, model)


async def _set_password(superuser: str, role: str, password: str) -> None:
    """Change the password of *role*, and end its connections, as a failover or a pooler's restart does."""
    async with connected(superuser) as connection:
        await connection.execute(f"alter role {role} password '{password}'")
        await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", role)


def _password(url: str) -> str:
    return httpx.URL(url).password


async def test_a_database_password_that_is_changed_first_loses_nothing_and_ends_no_process(
    urls: DatabaseUrls, valkey: ValkeyServer, served: Served, tmp_path: Path
) -> None:
    portal, tenant, model = served.portal, served.tenant, served.model
    roles = {"ai_agents_intake": urls.intake, "ai_agents_worker": urls.worker}
    logs = tmp_path / "api.log", tmp_path / "worker.log"
    async with (
        open_api_process(urls, valkey, tmp_path, logs[0]) as api,
        open_worker_process(urls, valkey, tmp_path, logs[1], OPENAI_BASE_URL=model.url) as worker,
        httpx.AsyncClient(base_url=api.url, timeout=30) as client,
    ):
        await api.ready()
        await worker.ready()
        sender = Sender(client, KnownTenant(tenant, TenantSecrets(webhook=(b"secret",))))

        async def send(ticket_id: str) -> int:
            return (await sender.send({"event": "ticket_created", "ticket_id": ticket_id})).status_code

        tickets = [portal.add_ticket(subject="No mail", description="Outlook shows no mail.").id for _ in range(3)]
        try:
            assert await send(tickets[0]) == 202
            await eventually(lambda: portal.notes(tickets[0]))

            await _set_password(urls.superuser, "ai_agents_worker", "the-new-one")
            assert await send(tickets[1]) == 202, "the API's role is another"
            await _set_password(urls.superuser, "ai_agents_intake", "the-new-one")
            refused = await sender.send({"event": "ticket_created", "ticket_id": tickets[2]})
            assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
            assert (await client.get("/health")).json()["status"] == "unhealthy"
            assert (await client.get(f"{worker.url}/health/live")).status_code == 200
            assert portal.notes(tickets[1]) == []
        finally:
            for role, url in roles.items():
                await _set_password(urls.superuser, role, _password(url))
        # The processes were started with these passwords. In a cluster Reloader starts new ones with the new passwords.
        assert await send(tickets[2]) == 202
        for ticket_id in tickets:
            await eventually(lambda ticket_id=ticket_id: portal.notes(ticket_id), limit_s=60)
    assert "Traceback" not in "".join(log.read_text() for log in logs)
    assert [len(portal.notes(ticket_id)) for ticket_id in tickets] == [1, 1, 1]


async def test_a_redis_password_that_is_changed_first_makes_notes_slower_and_loses_none(
    urls: DatabaseUrls, valkey: ValkeyServer, served: Served, tmp_path: Path
) -> None:
    portal, tenant, model = served.portal, served.tenant, served.model
    password = _password(valkey.url)
    logs = tmp_path / "api.log", tmp_path / "worker.log"
    redis: Any = SimpleNamespace(url=valkey.url)
    async with (
        open_api_process(urls, redis, tmp_path, logs[0]) as api,
        open_worker_process(urls, redis, tmp_path, logs[1], OPENAI_BASE_URL=model.url) as worker,
        httpx.AsyncClient(base_url=api.url, timeout=30) as client,
        Redis.from_url(valkey.url) as admin,
    ):
        await api.ready()
        await worker.ready()
        sender = Sender(client, KnownTenant(tenant, TenantSecrets(webhook=(b"secret",))))
        ticket_id = portal.add_ticket(subject="No mail", description="Outlook shows no mail.").id
        try:
            await admin.config_set("requirepass", "the-new-one")
            await admin.client_kill_filter(_type="normal", skipme=True)
            assert (await sender.send({"event": "ticket_created", "ticket_id": ticket_id})).status_code == 202
            assert (await client.get("/health")).json()["status"] == "degraded"
            await eventually(lambda: portal.notes(ticket_id), limit_s=90)  # by the relay
        finally:
            await admin.config_set("requirepass", password)
        second = portal.add_ticket(subject="No mail", description="Outlook shows no mail.").id
        await sender.send({"event": "ticket_created", "ticket_id": second})
        await eventually(lambda: portal.notes(second), limit_s=60)

        async def is_healthy() -> bool:
            return str((await client.get("/health")).json()["status"]) == "healthy"

        await eventually(is_healthy)
    assert "Traceback" not in "".join(log.read_text() for log in logs)
    assert [len(portal.notes(each)) for each in (ticket_id, second)] == [1, 1]
