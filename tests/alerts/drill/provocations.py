"""How each alert's condition is made true, and how its cause ends where the page's own commands do not end it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from app.core.help_desk import Edition
from app.simulator.faults import Fault, FaultKind
from app.simulator.portal import Portal
from app.sync.reading import GRACE
from tests.alerts.drill.scene import Scene
from tests.builders import an_account, an_instance, write_instance, write_tenant

Words = dict[str, str]
"""What stands in the page's placeholders: SLUG, JOB_ID."""

# Longer than the two minutes of AiAgentsNotesVerySlow.
_LATE_S: Final = 126.0
# Two looks of the worker, and the hour (hurried) with which AiAgentsStrayRows compares.
_SEEN_S: Final = 200.0
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Provocation:
    """What is done to the product, and what must fire for it."""

    alerts: tuple[str, ...]
    how: str
    open: Callable[[Scene], AbstractAsyncContextManager[Words]]
    """Entered: the cause is there. Left: it has ended."""


@asynccontextmanager
async def _model_fails(scene: Scene) -> AsyncIterator[Words]:
    scene.model.behave("server_error", times=None)
    for _ in range(8):
        await scene.send("acme")
        await scene.send("bluebird")
    yield {"SLUG": "acme"}
    scene.model.behaviours.clear()
    # The circuit closes with a call that succeeds, so somebody has to ask.
    for _ in range(12):
        await scene.send("acme")
        await scene.send("bluebird")
        await asyncio.sleep(5)


@asynccontextmanager
async def _notes_come_late(scene: Scene) -> AsyncIterator[Words]:
    await scene.sql(
        "insert into gate (tenant_id, cause, closed_until, closed_by, reason)"
        " values ('00000000-0000-0000-0000-000000000000', 'paused', 'infinity', 'drill', 'a drill')"
    )
    for _ in range(6):
        await scene.send("acme")
        await scene.send("bluebird")
    await asyncio.sleep(_LATE_S)
    await scene.sql("delete from gate where cause = 'paused'")
    yield {"SLUG": "acme"}


@asynccontextmanager
async def _help_desk_fails(scene: Scene) -> AsyncIterator[Words]:
    scene.portals["acme"].faults.add(Fault(match="*", kind=FaultKind.STATUS, status=503, times=None))
    for _ in range(8):
        await scene.send("acme")
    yield {"SLUG": "acme"}
    scene.portals["acme"].faults.clear()


@asynccontextmanager
async def _ticket_is_refused(scene: Scene) -> AsyncIterator[Words]:
    refused = scene.portals["acme"].add_ticket(subject="Not for us")
    fault = Fault(match=f"GET requests/{refused.id}", kind=FaultKind.STATUS, status=403, times=None)
    scene.portals["acme"].faults.add(fault)
    job_id = await scene.send("acme", refused.id)
    yield {"SLUG": "acme", "JOB_ID": str(job_id)}
    scene.portals["acme"].faults.clear()


@asynccontextmanager
async def _calls_are_used_up(scene: Scene) -> AsyncIterator[Words]:
    scene.change_tenant("bluebird", servicedesk={"calls_per_minute": 1})
    await asyncio.sleep(4)
    job_id = None
    for _ in range(4):
        job_id = await scene.send("bluebird")
    await asyncio.sleep(2)
    await scene.sql(
        "update due set accepted_at = accepted_at - interval '15 minutes' where tenant_id = $1",
        scene.tenants["bluebird"].id,
    )
    yield {"SLUG": "bluebird", "JOB_ID": str(job_id)}
    scene.change_tenant("bluebird", servicedesk={"calls_per_minute": 6000})


@asynccontextmanager
async def _budget_is_nearly_used(scene: Scene) -> AsyncIterator[Words]:
    await _set_budget(scene, "acme", used=0.9)
    yield {"SLUG": "acme"}
    scene.change_tenant("acme", model={"monthly_token_budget": None})


@asynccontextmanager
async def _budget_is_used(scene: Scene) -> AsyncIterator[Words]:
    await _set_budget(scene, "bluebird", used=1.2)
    yield {"SLUG": "bluebird"}
    scene.change_tenant("bluebird", model={"monthly_token_budget": None})


async def _set_budget(scene: Scene, slug: str, *, used: float) -> None:
    [[tokens]] = await scene.sql(
        "select sum(prompt_tokens + completion_tokens)::bigint from tally where tenant_id = $1", scene.tenants[slug].id
    )
    scene.change_tenant(slug, model={"monthly_token_budget": max(round(tokens / used), 1)})


@asynccontextmanager
async def _sync_stands_still(scene: Scene) -> AsyncIterator[Words]:
    await scene.sql("update sync_cursor set listed_at = now() - interval '3 hours'")
    yield {"SLUG": "acme"}
    await scene.sync()


@asynccontextmanager
async def _file_is_bad(scene: Scene) -> AsyncIterator[Words]:
    path = scene.run.path / "files" / "acme.yaml"
    good = path.read_text("utf-8")
    path.write_text(good.replace("calls_per_minute", "calls_per_minutes"))
    yield {"SLUG": "acme"}
    path.write_text(good)


@asynccontextmanager
async def _strangers_send_tickets(scene: Scene) -> AsyncIterator[Words]:
    accounts = {"601": "Globex", "602": "Initech"}
    portal = scene.help_desk.add_portal(
        Portal(slug="main", edition=Edition.MSP_ON_PREMISES, accounts=accounts, api_key="key")
    )
    instance = an_instance("main", url=portal.url)
    write_instance(scene.run.path, instance, api_key="key")
    write_tenant(scene.run.path, an_account(instance, "globex", {"id": "601"}), webhook_secret="secret")
    await asyncio.sleep(_SEEN_S)
    for number in range(40):
        portal.add_ticket(subject=f"Printer {number} jams", description="Paper jams.", account="602")
    await scene.sync()
    yield {"NAME": "main"}
    write_tenant(scene.run.path, an_account(instance, "initech", {"id": "602"}), webhook_secret="secret")


@asynccontextmanager
async def _webhooks_do_not_come(scene: Scene) -> AsyncIterator[Words]:
    for number in range(4):
        scene.portals["bluebird"].add_ticket(subject=f"Scanner {number} is offline", description="It was not found.")
    await asyncio.sleep(GRACE.total_seconds() + 5)
    await scene.sync()
    yield {"SLUG": "bluebird"}


@asynccontextmanager
async def _postgresql_is_away(scene: Scene) -> AsyncIterator[Words]:
    calling = asyncio.create_task(_call_for(scene, 60))
    await scene.postgres.stop()
    yield {"SLUG": "acme"}
    await scene.postgres.start()
    await calling


async def _call_for(scene: Scene, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await scene.send("acme")
        await asyncio.sleep(0.5)


def _process_is_away(name: str) -> Callable[[Scene], AbstractAsyncContextManager[Words]]:
    @asynccontextmanager
    async def open_(scene: Scene) -> AsyncIterator[Words]:
        await scene.stop(name)
        yield {"SLUG": "acme"}
        await scene.start(name)

    return open_


def _exposed(
    series: str, value: Callable[[], float], after: Callable[[], float]
) -> Callable[[Scene], AbstractAsyncContextManager[Words]]:
    @asynccontextmanager
    async def open_(scene: Scene) -> AsyncIterator[Words]:
        scene.others[series] = str(value())
        yield {}
        scene.others[series] = str(after())

    return open_


def _job_fails(name: str) -> Callable[[Scene], AbstractAsyncContextManager[Words]]:
    return _exposed(
        f'kube_job_failed{{namespace="production",job_name="{name}",condition="true"}}', lambda: 1, lambda: 0
    )


# Those that make bad notes come first: the slow burn looks back so long that it resolves minutes after the last of them.
PROVOCATIONS: Final = (
    Provocation(("AiAgentsDeliveryFailed",), "a webhook of a ticket that does not exist", _ticket_is_refused),
    Provocation(
        ("AiAgentsModelFailing", "AiAgentsSuccessRateLow", "AiAgentsEnhancedBurnFast", "AiAgentsEnhancedBurnSlow"),
        "the model answers 500 to sixteen tickets",
        _model_fails,
    ),
    Provocation(
        (
            "AiAgentsBacklogTooLong",
            "AiAgentsNotesSlow",
            "AiAgentsNotesVerySlow",
            "AiAgentsOnTimeBurnFast",
            "AiAgentsOnTimeBurnSlow",
        ),
        "all is paused for two minutes with twelve tickets waiting",
        _notes_come_late,
    ),
    Provocation(("AiAgentsHelpDeskFailing",), "the help desk of one tenant answers 503", _help_desk_fails),
    Provocation(
        ("AiAgentsDeliveriesTooOld",),
        "calls_per_minute: 1 in a tenant's file, and its deliveries are made 15 minutes older",
        _calls_are_used_up,
    ),
    Provocation(
        ("AiAgentsBudgetNearlyUsed",), "a budget in the tenant's file of which 90 % are used", _budget_is_nearly_used
    ),
    Provocation(("AiAgentsBudgetUsed",), "a budget in the tenant's file of which 120 % are used", _budget_is_used),
    Provocation(("AiAgentsSyncStale",), "the syncs are made three hours older", _sync_stands_still),
    Provocation(("AiAgentsTenantFileBad",), "a misspelled key in a tenant's file", _file_is_bad),
    Provocation(
        ("AiAgentsStrayRows",), "an account without a tenant's file sends forty tickets", _strangers_send_tickets
    ),
    Provocation(("AiAgentsWebhooksMissing",), "four tickets without a webhook", _webhooks_do_not_come),
    Provocation(("AiAgentsApiErrors",), "PostgreSQL is stopped while webhooks come in", _postgresql_is_away),
    Provocation(("AiAgentsWorkersAbsent",), "the worker is stopped", _process_is_away("worker")),
    Provocation(("AiAgentsApiDown",), "the API is stopped", _process_is_away("api")),
    Provocation(
        ("AiAgentsCertificateExpiring",),
        "metric exposed by the drill",
        _exposed(
            'certmanager_certificate_expiration_timestamp_seconds{name="ai-agents-tls",namespace="production"}',
            lambda: time.time() + 7 * _DAY_S,
            lambda: time.time() + 90 * _DAY_S,
        ),
    ),
    Provocation(
        ("AiAgentsSecretSyncFailing",),
        "metric exposed by the drill",
        _exposed(
            'externalsecret_status_condition{name="tenant-acme-worker",namespace="production",condition="Ready",status="False"}',
            lambda: 1,
            lambda: 0,
        ),
    ),
    Provocation(
        ("AiAgentsSyncWaiting",),
        "metric exposed by the drill",
        _exposed(
            'argocd_app_info{name="production-workload",dest_namespace="production",operation="sync"}',
            lambda: 1,
            lambda: 0,
        ),
    ),
    Provocation(("AiAgentsMigrationFailed",), "metric exposed by the drill", _job_fails("ai-agents-migrate")),
    Provocation(("AiAgentsSmokeFailed",), "metric exposed by the drill", _job_fails("ai-agents-smoke")),
)
