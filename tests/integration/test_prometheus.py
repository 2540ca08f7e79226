"""Prometheus itself over a real API and worker: every rule and panel parses, and reads only metrics that are there."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.db.knowledge.cursors import Cursor
from app.db.knowledge.store import save_cursor
from app.db.session import Database
from app.sender import Sender
from app.simulator.faults import Fault, FaultKind
from app.simulator.helpdesk import HelpDeskSimulator
from app.tenants import KnownTenant, TenantSecrets
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.offline_model import ModelSimulator
from tests.alerts.expressions import OTHERS, expressions, metrics_of
from tests.alerts.rules import load_groups, load_rules
from tests.builders import an_instance, write_instance
from tests.integration.processes import open_api_process, open_worker_process
from tests.integration.prometheus import Prometheus, open_prometheus
from tests.integration.worker.conftest import add_tenant, eventually, fill_ticket_history


@pytest.fixture
async def prometheus(
    urls: DatabaseUrls,
    valkey: ValkeyServer,
    worker_db: Database,
    help_desk: HelpDeskSimulator,
    model: ModelSimulator,
    tmp_path: Path,
) -> AsyncIterator[Prometheus]:
    """One that has scraped an API and a worker: of two tickets one got its note, the other does not exist."""
    if shutil.which("prometheus") is None:
        pytest.skip(
            "Prometheus is not installed (make test-machine installs it): rules and dashboards are not tried on it"
        )
    tenant, portal = add_tenant(help_desk, tmp_path, slug="acme", model={"monthly_token_budget": 100_000})
    write_instance(tmp_path, an_instance("main"), api_key="key")
    (tmp_path / "files" / "broken.yaml").write_text("slug: broken")
    await fill_ticket_history(worker_db, tenant)
    async with worker_db.as_tenant(tenant.id) as session:
        await save_cursor(session, tenant.id, "tickets", Cursor(listed_at=datetime.now(UTC)))
    ticket = portal.add_ticket(subject="Outlook receives no mail", description="Outlook shows no mail since noon.")
    # Traces are recorded, and nobody takes them: exemplars need no more.
    tracing = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    async with (
        open_api_process(urls, valkey, tmp_path, tmp_path / "api.log", **tracing) as api,
        open_worker_process(
            urls, valkey, tmp_path, tmp_path / "worker.log", OPENAI_BASE_URL=model.url, **tracing
        ) as worker,
        httpx.AsyncClient(base_url=api.url) as client,
        open_prometheus(tmp_path, load_groups(), api=api.port, worker=worker.port) as prometheus,
    ):
        await api.ready(limit_s=60)
        await worker.ready(limit_s=60)
        sender = Sender(client, KnownTenant(tenant, TenantSecrets(webhook=(b"secret",))))
        refused = portal.add_ticket(subject="Not for us")
        portal.faults.add(Fault(match=f"GET requests/{refused.id}", kind=FaultKind.STATUS, status=403, times=None))
        for ticket_id in (ticket.id, refused.id):
            await sender.send({"event": "ticket_created", "ticket_id": ticket_id})
        await eventually(lambda: portal.notes(ticket.id), limit_s=60)
        yield prometheus


async def test_every_rule_and_panel_reads_what_is_there_and_the_first_failed_delivery_fires(
    prometheus: Prometheus,
) -> None:
    async def is_failed_delivery_seen() -> bool:
        return await prometheus.value('deliveries_failed{tenant="acme"}') == 1

    await eventually(is_failed_delivery_seen, limit_s=60)  # the watch looks each quarter of a minute

    async def firing() -> list[Any]:
        alerts = (await prometheus.get("alerts"))["alerts"]
        return [each for each in alerts if each["labels"]["alertname"] == "AiAgentsDeliveryFailed"]

    await eventually(firing)
    [alert] = await firing()
    assert alert["state"] == "firing"
    assert alert["annotations"]["summary"] == "acme has failed deliveries"
    assert alert["annotations"]["description"].startswith("Failed for good: 1. ")

    exposed = set(await prometheus.get("label/__name__/values"))
    recorded = {rule["record"] for rule in load_rules() if "record" in rule}
    unknown: dict[str, set[str]] = {}
    for place, expression in expressions().items():
        await prometheus.get("query", query=expression)
        names = metrics_of(expression)
        assert names, place
        unknown |= {place: names - exposed - recorded - set(OTHERS)}
    assert {place: names for place, names in unknown.items() if names} == {}

    groups = (await prometheus.get("rules"))["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
    assert await prometheus.value("max(enhancement_success_rate)") is not None

    now = datetime.now(UTC).timestamp()
    found = await prometheus.get(
        "query_exemplars", query="enhancement_duration_seconds_bucket", start=str(now - 300), end=str(now)
    )
    assert found[0]["exemplars"][0]["labels"]["trace_id"]


def test_what_is_allowed_of_other_programs_is_used() -> None:
    used = {name for expression in expressions().values() for name in metrics_of(expression)}
    assert set(OTHERS) <= used, json.dumps(sorted(set(OTHERS) - used))
