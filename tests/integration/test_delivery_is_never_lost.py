"""A worker is killed (SIGKILL) between each pair of steps, Redis is emptied in mid-flight: one note at the end.

The worker is the real process. Where it stands is seen from outside: the help desk or the model is made slow at the
step in question, or a row is locked; then the kill comes, and another worker finds what is left.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.core.delivery import compute_job_id, parse_webhook
from app.core.tenant import Tenant
from app.db.ledger.intake import AcceptedDelivery, open_intake
from app.db.reports.deliveries import DeliveryView, list_deliveries
from app.db.session import Database
from app.simulator.faults import Fault
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from demo.embedded import DatabaseUrls, PostgresServer, ValkeyServer
from demo.launcher import Process
from demo.offline_model import ModelSimulator
from tests.builders import a_body
from tests.connections import connected
from tests.integration.processes import open_worker_process
from tests.integration.worker.conftest import add_tenant, eventually, fill_ticket_history

QUICK = {"LEASE_SECONDS": "1", "NOTE_TIMEOUT_SECONDS": "1", "LLM_TIMEOUT_SECONDS": "20", "MAX_ATTEMPTS": "10"}


@dataclass
class Scene:
    urls: DatabaseUrls
    valkey: ValkeyServer
    database: Database
    tenant: Tenant
    portal: Portal
    model: ModelSimulator
    folder: Path
    ticket_id: str = ""

    def worker(self, name: str) -> AbstractAsyncContextManager[Process]:
        return open_worker_process(
            self.urls, self.valkey, self.folder, self.folder / f"{name}.log", OPENAI_BASE_URL=self.model.url, **QUICK
        )

    async def deliver(self, ticket_id: str | None = None) -> None:
        body = a_body(ticket_id=ticket_id or self.ticket_id)
        webhook = parse_webhook(body)
        job_id = compute_job_id(self.tenant.id, webhook, signed_id=None)
        async with open_intake(self.urls.intake) as intake:
            await intake.accept(AcceptedDelivery(self.tenant.id, job_id, webhook.ticket_id, webhook.event, body, None))

    async def deliveries(self) -> list[DeliveryView]:
        return await list_deliveries(self.database, self.tenant.id, limit=1000)

    def called(self, part: str) -> bool:
        return any(part in call for call in self.portal.calls)

    def slow(self, match: str, seconds: float) -> None:
        self.portal.faults.add(Fault.model_validate({"match": match, "kind": "slow", "delay": seconds}))


@pytest.fixture
async def scene(
    urls: DatabaseUrls,
    valkey: ValkeyServer,
    worker_db: Database,
    help_desk: HelpDeskSimulator,
    model: ModelSimulator,
    tmp_path: Path,
) -> Scene:
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()
    tenant, portal = add_tenant(help_desk, tmp_path)
    await fill_ticket_history(worker_db, tenant)
    scene = Scene(urls, valkey, worker_db, tenant, portal, model, tmp_path)
    scene.ticket_id = portal.add_ticket(subject="Outlook receives no mail", description="No mail in Outlook today.").id
    return scene


async def while_reading_the_ticket(scene: Scene) -> None:
    scene.slow("GET requests", 30)


async def while_the_model_writes(scene: Scene) -> None:
    scene.model.behave("slow", seconds=30)


async def before_the_note_is_stored(scene: Scene) -> None:
    scene.slow("POST notes", 30)


async def after_the_note_is_stored(scene: Scene) -> None:
    # The row of the enhancement is locked as soon as the note is there: the worker can't record it.
    scene.slow("POST notes", 0.5)


STEPS: dict[str, tuple[Callable[[Scene], Awaitable[None]], Callable[[Scene], bool]]] = {
    "claimed-not-read": (while_reading_the_ticket, lambda scene: scene.called("GET /requests")),
    "gathered-not-written": (while_the_model_writes, lambda scene: scene.model.calls > 0),
    "saved-not-posted": (before_the_note_is_stored, lambda scene: scene.called("POST /requests")),
    "posted-not-settled": (after_the_note_is_stored, lambda scene: scene.portal.note_count > 0),
}


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_killed_between_two_steps_leaves_exactly_one_note(scene: Scene, step: str) -> None:
    prepare, is_there = STEPS[step]
    await prepare(scene)
    await scene.deliver()
    async with connected(scene.urls.superuser) as locker, scene.worker("first") as first:
        if step == "posted-not-settled":
            await eventually(lambda: scene.called("POST /requests"), limit_s=30)
            await locker.execute("begin; lock table enhancement in exclusive mode")
        await eventually(lambda: is_there(scene), limit_s=30)
        await first.end(signal.SIGKILL)
    scene.portal.faults.clear()
    scene.model.behaviours.clear()
    async with scene.worker("second"):
        await eventually(lambda: all_settled(scene), limit_s=45)
        await asyncio.sleep(1)
    assert len(scene.portal.notes(scene.ticket_id)) == 1
    assert [each.status for each in await scene.deliveries()] == ["done"]


async def all_settled(scene: Scene) -> bool:
    found = await scene.deliveries()
    return bool(found) and all(each.status in {"done", "ignored", "failed"} for each in found)


async def test_redis_emptied_in_mid_flight_loses_nothing(scene: Scene) -> None:
    tickets = [
        scene.portal.add_ticket(subject=f"Outlook receives no mail {n}", description=f"No mail for user {n}.").id
        for n in range(12)
    ]
    async with scene.worker("one") as worker, Redis.from_url(scene.valkey.url) as redis:
        await worker.ready()
        for ticket_id in tickets:
            await scene.deliver(ticket_id)
            await redis.flushall()
        await eventually(lambda: all_settled(scene), limit_s=45)
    assert {ticket_id: len(scene.portal.notes(ticket_id)) for ticket_id in tickets} == dict.fromkeys(tickets, 1)


async def test_redis_that_stays_away_makes_work_slower_not_lost(scene: Scene) -> None:
    async with scene.worker("one") as worker:
        await worker.ready()
        await scene.valkey.stop()
        try:
            await scene.deliver()
            await eventually(lambda: all_settled(scene), limit_s=30)
        finally:
            await scene.valkey.start()
    assert len(scene.portal.notes(scene.ticket_id)) == 1


async def test_postgresql_restarted_in_mid_flight_leaves_one_note(scene: Scene, postgres: PostgresServer) -> None:
    scene.slow("POST notes", 0.8)
    async with scene.worker("one") as worker:
        await worker.ready()
        await scene.deliver()
        await eventually(lambda: scene.called("POST /requests"), limit_s=20)
        await postgres.restart()
        await eventually(lambda: all_settled(scene), limit_s=45)
    assert len(scene.portal.notes(scene.ticket_id)) == 1


async def test_sigterm_gives_back_what_cannot_finish(scene: Scene) -> None:
    scene.model.behave("slow", seconds=30)
    await scene.deliver()
    async with open_worker_process(
        scene.urls,
        scene.valkey,
        scene.folder,
        scene.folder / "one.log",
        OPENAI_BASE_URL=scene.model.url,
        SHUTDOWN_GRACE_SECONDS="1",
        LLM_TIMEOUT_SECONDS="30",
    ) as worker:
        await eventually(lambda: scene.model.calls > 0, limit_s=30)
        assert await worker.end(limit_s=15) == 0
    [delivery] = await scene.deliveries()
    assert (delivery.status, delivery.attempts_used) == ("pending", 0)
    async with scene.worker("two"):
        await eventually(lambda: all_settled(scene), limit_s=30)
    assert len(scene.portal.notes(scene.ticket_id)) == 1


async def test_sigterm_lets_running_work_finish(scene: Scene) -> None:
    scene.model.behave("slow", seconds=2)
    await scene.deliver()
    async with scene.worker("one") as worker:
        await eventually(lambda: scene.model.calls > 0, limit_s=30)
        assert await worker.end(limit_s=20) == 0
    assert len(scene.portal.notes(scene.ticket_id)) == 1
    assert [each.status for each in await scene.deliveries()] == ["done"]
