"""A network of IPv6 alone: a pod, and all that it calls, have no other address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx

from app.core.help_desk import Edition
from app.db.session import Database
from app.sender import Sender
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.tenants import KnownTenant, TenantSecrets
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.offline_model import ModelSimulator
from tests.builders import a_tenant, write_tenant
from tests.integration.processes import open_api_process, open_worker_process
from tests.integration.streams import Forwarder
from tests.integration.worker.conftest import eventually, fill_ticket_history


@asynccontextmanager
async def over_ipv6(url: str) -> AsyncIterator[str]:
    """*url*, whose host is 127.0.0.1, with `[::1]` in its place."""
    old = f"127.0.0.1:{httpx.URL(url).port}"
    server = await asyncio.start_server(Forwarder(int(old.rpartition(":")[2])).serve, "::1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield url.replace(old, f"[::1]:{port}")
    finally:
        server.close()


async def test_a_ticket_gets_its_note_over_ipv6_alone(
    urls: DatabaseUrls, valkey: ValkeyServer, worker_db: Database, tmp_path: Path
) -> None:
    help_desk, model = HelpDeskSimulator(), ModelSimulator()
    await help_desk.start("::1")
    await model.start()
    portal = help_desk.add_portal(Portal(slug="acme", edition=Edition.ON_PREMISES, api_key="key"))
    assert portal.url.startswith("http://[::1]:")
    tenant = a_tenant("acme", servicedesk={"url": portal.url})
    write_tenant(tmp_path, tenant, webhook_secret="secret", api_key="key")
    await fill_ticket_history(worker_db, tenant)
    ticket = portal.add_ticket(subject="Outlook receives no mail", description="Outlook shows no mail since noon.")
    async with (
        over_ipv6(urls.intake) as intake_url,
        over_ipv6(urls.worker) as worker_url,
        over_ipv6(valkey.url) as redis_url,
        over_ipv6(model.url) as model_url,
    ):
        six: Any = replace(urls, intake=intake_url, worker=worker_url)
        redis: Any = SimpleNamespace(url=redis_url)
        async with (
            open_api_process(six, redis, tmp_path, tmp_path / "api.log", API_HOST="::") as api,
            open_worker_process(six, redis, tmp_path, tmp_path / "worker.log", OPENAI_BASE_URL=model_url) as worker,
            httpx.AsyncClient(base_url=f"http://[::1]:{api.port}") as client,
        ):
            await api.ready()  # over IPv4: `::` takes both
            await worker.ready()
            ready = [await client.get(f"http://[::1]:{process.port}/health/ready") for process in (api, worker)]
            assert [answer.status_code for answer in ready] == [200, 200]
            sender = Sender(client, KnownTenant(tenant, TenantSecrets(webhook=(b"secret",))))
            await sender.send({"event": "ticket_created", "ticket_id": ticket.id})
            await eventually(lambda: portal.notes(ticket.id))
            health = (await client.get("/health")).json()
            assert (health["status"], health["redis"]) == ("healthy", "connected")
    await model.stop()
    await help_desk.stop()
