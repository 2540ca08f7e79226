"""A client with a key of its own: its tickets go to its own endpoint alone, and nobody else's go there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core.outcome import TENANT_PATIENCE
from app.core.retry import FAILURES_TO_OPEN
from app.core.tenant import Tenant
from app.errors import Code
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import HeldNote, Portal
from demo.offline_model import ModelSimulator
from tests.builders import write_tenant
from tests.integration.worker.conftest import Stage, add_tenant, fill_ticket_history

SHARED_KEY, OWN_KEY = "offline", "the-clients-own-key"


@dataclass
class Client:
    """A second tenant, with an endpoint and a key of its own."""

    tenant: Tenant
    portal: Portal
    model: ModelSimulator

    def ticket(self) -> str:
        description = "It shows no new mail since noon."
        return self.portal.add_ticket(subject="Outlook receives no mail", description=description).id


@pytest.fixture
async def client(stage: Stage, help_desk: HelpDeskSimulator, tmp_path: Path) -> AsyncIterator[Client]:
    model = ModelSimulator()
    await model.start()
    tenant, portal = add_tenant(help_desk, tmp_path, model={"name": "own-model", "base_url": model.url})
    (tmp_path / "secrets" / tenant.slug / "model_api_key").write_text(OWN_KEY)
    await fill_ticket_history(stage.database, tenant)
    stage.worker.tenants.refresh()
    yield Client(tenant, portal, model)
    await model.stop()


async def notes_on_a_new_ticket(stage: Stage, client: Client) -> list[HeldNote]:
    ticket_id = client.ticket()
    await stage.deliver_and_work(ticket_id, tenant_id=client.tenant.id)
    return client.portal.notes(ticket_id)


async def test_each_endpoint_gets_its_own_tenants_tickets_with_its_own_key(stage: Stage, client: Client) -> None:
    for _ in range(2):
        await stage.deliver(client.ticket(), tenant_id=client.tenant.id)
        await stage.deliver(stage.ticket())
    await stage.work()
    assert (client.model.calls, stage.model.calls) == (2, 2)
    assert (client.model.keys, stage.model.keys) == ({OWN_KEY}, {SHARED_KEY})
    assert {(each.model_extra or {})["model"] for each in client.model.requests} == {"own-model"}
    assert {(each.model_extra or {})["model"] for each in stage.model.requests} == {"gpt-4o-mini"}


async def test_an_own_endpoint_that_fails_is_not_replaced_by_the_shared_one(stage: Stage, client: Client) -> None:
    client.model.behave("server_error", times=None)
    [note] = await notes_on_a_new_ticket(stage, client)
    assert "The model could not be reached" in note.html
    assert stage.model.calls == 0


async def test_a_shared_endpoint_that_fails_is_not_replaced_by_a_clients_own(stage: Stage, client: Client) -> None:
    stage.model.behave("server_error", times=None)
    await stage.deliver_and_work(stage.ticket())
    assert client.model.calls == 0


async def test_without_its_key_the_client_gets_no_note_from_the_shared_endpoint(
    stage: Stage, client: Client, tmp_path: Path
) -> None:
    key = tmp_path / "secrets" / client.tenant.slug / "model_api_key"
    key.unlink()
    stage.worker.tenants.refresh()
    ticket_id = client.ticket()
    job_id = await stage.deliver_and_work(ticket_id, tenant_id=client.tenant.id)
    delivery = await stage.delivery(job_id, tenant_id=client.tenant.id)
    assert delivery.code == Code.TENANT_SECRET_MISSING
    assert "model_api_key" in (delivery.last_error or "")
    assert (client.model.calls, stage.model.calls, len(client.portal.notes(ticket_id))) == (0, 0, 0)


async def test_a_key_that_is_replaced_is_used_from_the_next_delivery_on(
    stage: Stage, client: Client, tmp_path: Path
) -> None:
    await stage.deliver_and_work(client.ticket(), tenant_id=client.tenant.id)
    write_tenant(tmp_path, client.tenant, model_api_key="a-newer-key-of-another-length")
    stage.worker.tenants.refresh()
    await stage.deliver_and_work(client.ticket(), tenant_id=client.tenant.id)
    assert client.model.keys == {OWN_KEY, "a-newer-key-of-another-length"}


async def test_a_key_that_is_taken_back_first_costs_no_model_s_words(
    stage: Stage, client: Client, tmp_path: Path
) -> None:
    """The provider ends the old key when the new one is made, which is minutes on its way to the worker."""
    await stage.deliver_and_work(client.ticket(), tenant_id=client.tenant.id)
    client.model.behave("bad_key", times=None)
    tickets = [client.ticket() for _ in range(3)]
    jobs = [await stage.deliver(ticket_id, tenant_id=client.tenant.id) for ticket_id in tickets]
    asked = client.model.calls
    for _ in range(FAILURES_TO_OPEN):
        assert await stage.work() == len(jobs)
        await stage.make_due()
    assert client.model.calls == asked + 1, "of those that wait one tries every half minute"
    for job_id in jobs:
        waiting = await stage.delivery(job_id, tenant_id=client.tenant.id)
        assert (waiting.status, waiting.attempts_used, waiting.code) == ("pending", 0, Code.MODEL_UNAUTHORISED)
    write_tenant(tmp_path, client.tenant, model_api_key="a-newer-key")
    client.model.behaviours.clear()
    stage.worker.tenants.refresh()
    await stage.work()
    assert [len(client.portal.notes(ticket_id)) for ticket_id in tickets] == [1, 1, 1]
    assert all("The model could not be reached" not in client.portal.notes(each)[0].html for each in tickets)


async def test_a_key_that_is_taken_back_for_good_leaves_notes_without_a_models_words(
    stage: Stage, client: Client
) -> None:
    await stage.deliver_and_work(client.ticket(), tenant_id=client.tenant.id)
    client.model.behave("bad_key", times=None)
    ticket_id = client.ticket()
    job_id = await stage.deliver_and_work(ticket_id, tenant_id=client.tenant.id)
    assert client.portal.notes(ticket_id) == []
    async with stage.database.as_tenant(client.tenant.id) as session:
        statement = "update delivery set accepted_at = accepted_at - make_interval(secs => :seconds) where job_id = :id"
        await session.execute(text(statement), {"seconds": TENANT_PATIENCE.total_seconds(), "id": job_id})
    await stage.work_again()
    [note] = client.portal.notes(ticket_id)
    assert "The model could not be reached" in note.html


async def test_a_key_that_was_never_accepted_holds_nothing_back(stage: Stage, client: Client) -> None:
    client.model.behave("bad_key", times=None)
    assert len(await notes_on_a_new_ticket(stage, client)) == 1
