"""What the processes tell of a delivery: one trace, logs that name it, metrics with bounded labels; never its words."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from app.core.help_desk import Edition
from app.core.tenant import Tenant
from app.db.session import Database
from app.sender import Sender
from app.simulator.faults import Fault
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.tenants import KnownTenant, TenantSecrets
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.launcher import Process
from demo.offline_model import ModelSimulator
from tests.builders import a_tenant, write_tenant
from tests.integration.collector import Collector, open_collector
from tests.integration.nobody import run_as_nobody
from tests.integration.processes import open_api_process, open_worker_process
from tests.integration.worker.conftest import eventually, fill_ticket_history

CANARY = "canary-7f3a"
KEY = "canary-key-7f3a"


@dataclass
class Scene:
    """A tenant whose secrets are canaries, and an API and a worker that send their traces to a collector."""

    urls: DatabaseUrls
    valkey: ValkeyServer
    model: ModelSimulator
    folder: Path
    collector: Collector
    portal: Portal
    tenant: Tenant

    @asynccontextmanager
    async def processes(self, **variables: str) -> AsyncIterator[tuple[Process, Process, Sender]]:
        """API and worker, asked to end with the block, and a sender of webhooks."""
        tracing = {"OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200", **variables}
        common = self.urls, self.valkey, self.folder
        async with (
            open_api_process(*common, self.folder / "api.log", **tracing) as api,
            open_worker_process(
                *common, self.folder / "worker.log", OPENAI_BASE_URL=self.model.url, **tracing
            ) as worker,
            httpx.AsyncClient(base_url=api.url) as client,
        ):
            await api.ready()
            await worker.ready()
            yield api, worker, Sender(client, KnownTenant(self.tenant, TenantSecrets(webhook=(KEY.encode(),))))
            await worker.end()
            await api.end(signal.SIGINT)


@pytest.fixture
async def scene(
    urls: DatabaseUrls, valkey: ValkeyServer, help_desk: HelpDeskSimulator, model: ModelSimulator, tmp_path: Path
) -> AsyncIterator[Scene]:
    portal = help_desk.add_portal(Portal(slug="acme", edition=Edition.ON_PREMISES, api_key=KEY))
    tenant = a_tenant("acme", servicedesk={"url": portal.url})
    write_tenant(tmp_path, tenant, webhook_secret=KEY, api_key=KEY)
    async with open_collector() as collector:
        yield Scene(urls, valkey, model, tmp_path, collector, portal, tenant)


async def test_a_delivery_is_one_trace_and_its_words_are_nowhere(scene: Scene, worker_db: Database) -> None:
    await fill_ticket_history(worker_db, scene.tenant)
    collector, portal = scene.collector, scene.portal
    ticket = portal.add_ticket(
        subject=f"Outlook receives no mail {CANARY}", description=f"No mail in Outlook. {CANARY}"
    )
    async with scene.processes(LOG_LEVEL="debug") as (api, worker, sender), httpx.AsyncClient() as client:
        answer = await sender.send(
            {"event": "ticket_created", "ticket_id": ticket.id, "subject": CANARY, "description": CANARY}
        )
        job_id = answer.json()["job_id"]
        await eventually(lambda: portal.notes(ticket.id))
        await eventually(lambda: any(span.name == "enhance_delivery" for span in collector.spans))
        pages = [f"{process.url}/metrics" for process in (api, worker)]
        metrics = "".join([(await client.get(page)).text for page in pages])
        open_metrics = [
            (await client.get(page, headers={"Accept": "application/openmetrics-text; version=1.0.0"})).text
            for page in pages
        ]

    [trace_id] = {span.trace_id for span in collector.of_job(job_id)}
    names = {span.name for span in collector.spans if span.trace_id == trace_id}
    assert names >= {
        "POST /webhook/servicedesk",
        "enhance_delivery",
        "enhance.load",
        "enhance.reserve",
        "enhance.similar_tickets",
        "enhance.knowledge",
        "enhance.assets",
        "enhance.write",
        "enhance.check",
        "chat gpt-4o-mini",
        "post_note",
    }

    check_chat([span for span in collector.spans if span.trace_id == trace_id])

    check_exemplars(*open_metrics, trace_id=trace_id.hex())

    logs = api.log.read_text() + worker.log.read_text()
    lines = [json.loads(line) for line in logs.splitlines() if line.startswith("{")]
    told = [line for line in lines if line.get("job_id") == job_id]
    assert {line["event"] for line in told} >= {"webhook_accepted", "attempt_began", "note_posted", "attempt_ended"}
    assert all(line["tenant"] == "acme" and line["ticket_id"] == ticket.id for line in told)
    assert {line.get("trace_id") for line in told} == {trace_id.hex()}
    assert len(lines) == len(logs.splitlines()), "every line is JSON"
    # The libraries' clients tell each call, with its URL, below warning.
    assert {line["logger"].partition(".")[0] for line in lines if line["level"] in {"debug", "info"}} == {"app"}

    for place, words in {"logs": logs, "spans": "".join(map(str, collector.spans)), "metrics": metrics}.items():
        assert CANARY not in words, place
        assert KEY not in words, place
    assert 'enhancements_total{outcome="enhanced",tenant="acme"} 1.0' in metrics
    assert 'enhancement_duration_seconds_count{tenant="acme"} 1.0' in metrics
    for name in (
        "http_requests_total",
        "http_request_duration_seconds_bucket",
        "webhook_deliveries_total",
        "redis_queue_depth",
        "context_gathering_duration_seconds_bucket",
        "llm_tokens_total",
        "llm_cost_usd_total",
        "delivery_backlog",
        "delivery_oldest_pending_seconds",
    ):
        assert name in metrics, name
    assert ticket.id not in metrics


async def test_a_small_share_of_traces_keeps_every_attempt_that_failed(scene: Scene, worker_db: Database) -> None:
    collector, portal = scene.collector, scene.portal
    fine, failing = (portal.add_ticket(subject="Outlook receives no mail", description=name).id for name in "ab")
    portal.faults.add(Fault.model_validate({"match": f"GET requests/{failing}", "kind": "status", "times": 2}))
    sampling = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    async with scene.processes(**sampling) as (_, _, sender):
        jobs = {}
        for ticket_id in (fine, failing):
            answer = await sender.send({"event": "ticket_created", "ticket_id": ticket_id})
            jobs[ticket_id] = answer.json()["job_id"]

        async def is_noted() -> bool:
            # No waiting for the next attempt.
            await run_as_nobody(worker_db, "update due set due_at = now() where not is_leased and due_at > now()")
            return bool(portal.notes(failing) and portal.notes(fine))

        await eventually(is_noted, limit_s=30)

    told = {ticket_id: collector.of_job(job_id) for ticket_id, job_id in jobs.items()}
    assert [span.name for span in told[fine]] == ["POST /webhook/servicedesk"]
    attempts = [span for span in told[failing] if span.name == "enhance_delivery"]
    assert len(attempts) == 2, "the two that failed, and not the third, which did not"
    assert {span.trace_id for span in told[failing]} == {attempts[0].trace_id}
    assert {span.parent_span_id for span in attempts} == {
        span.span_id for span in told[failing] if span.name.startswith("POST ")
    }
    assert sum(span.name == "enhance.load" and span.trace_id == attempts[0].trace_id for span in collector.spans) == 2


def check_chat(spans: list[Span]) -> None:
    """The model's call is told as the semantic conventions for generative AI say."""
    [chat] = [span for span in spans if span.name == "chat gpt-4o-mini"]
    told = {a.key: a.value for a in chat.attributes}
    assert told["gen_ai.operation.name"].string_value == "chat"
    assert told["gen_ai.provider.name"].string_value == "openai"
    assert told["gen_ai.request.model"].string_value == "gpt-4o-mini"
    assert told["gen_ai.usage.input_tokens"].int_value > 0
    assert told["gen_ai.usage.output_tokens"].int_value > 0
    assert told["server.address"].string_value == "127.0.0.1"


def check_exemplars(acknowledged: str, noted: str, *, trace_id: str) -> None:
    """From a point on a panel a link leads to the trace that it stands for."""
    trace = f'# {{trace_id="{trace_id}"}}'
    for name, page in {
        "http_request_duration_seconds_bucket": acknowledged,
        "enhancement_duration_seconds_bucket": noted,
        "context_gathering_duration_seconds_bucket": noted,
        "llm_call_duration_seconds_bucket": noted,
        'enhancements_total{outcome="enhanced"': noted,
    }.items():
        assert any(line.startswith(name) and trace in line for line in page.splitlines()), name
