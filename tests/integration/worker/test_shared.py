"""Two clients of one shared help desk: neither's note, history or delivery ever holds what is of the other.

Each check that keeps them apart has a test here that fails without it: the account of a ticket that is read, of each
row of a list, of a ticket before its note, and what a webhook says in place of a ticket that can't be read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from app.core.delivery import compute_job_id, parse_webhook
from app.core.help_desk import AccountRef, Edition
from app.core.tenant import Instance, Tenant
from app.db.knowledge.strays import KINDS, Stray, list_strays
from app.db.ledger.intake import AcceptedDelivery, Intake, open_intake
from app.db.limits.accounts import keep_accounts
from app.db.limits.circuits import Circuits, Dependency
from app.db.limits.holds import Cause, list_holds
from app.db.limits.pauses import pause, resume
from app.db.limits.rate import hold_until_next_turn
from app.db.reports.deliveries import DeliveryView, list_deliveries
from app.db.session import Database, open_database
from app.errors import Code, TicketForeign
from app.help_desks import open_help_desk
from app.simulator.faults import Fault
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.sync import SyncReport, group_by_desk, sync_each
from app.tenants import TenantDirectory
from app.worker.app import Worker, open_worker
from app.worker.watch import look_at_strays
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.offline_model import ModelSimulator
from tests.builders import a_body, an_account, an_instance, write_instance, write_tenant
from tests.integration.worker.conftest import clear, worker_settings

ACME, GLOBEX, UNKNOWN = "601", "602", "603"
NAMES = {ACME: "Acme Corp", GLOBEX: "Globex", UNKNOWN: "Initech"}


@dataclass
class Shared:
    """An instance with three accounts, of which two are tenants."""

    instance: Instance
    acme: Tenant
    globex: Tenant
    portal: Portal
    model: ModelSimulator
    directory: TenantDirectory
    database: Database
    intake: Intake
    worker: Worker

    def ticket(self, account: str, **changes: Any) -> str:
        values = {"subject": "Outlook receives no mail", "description": "Outlook on PC-0231 shows no mail since noon."}
        return self.portal.add_ticket(**{**values, **changes}, account=account).id

    def solved(self, account: str, resolution: str, **changes: Any) -> str:
        return self.ticket(
            account, status="Resolved", resolved="2026-11-20T10:00:00Z", resolution=resolution, **changes
        )

    async def deliver(self, owner: UUID, ticket_id: str, **body: Any) -> UUID:
        raw = a_body(ticket_id=ticket_id, **body)
        webhook = parse_webhook(raw)
        job_id = compute_job_id(owner, webhook, signed_id=None)
        await self.intake.accept(AcceptedDelivery(owner, job_id, ticket_id, webhook.event, raw, None))
        return job_id

    async def work(self) -> int:
        attempts = 0
        while await self.worker.attempts.work_once():
            attempts += 1
        return attempts

    async def make_due(self) -> None:
        async with self.database.across_tenants() as session:
            await session.execute(text("update due set due_at = now() where not is_leased"))

    async def deliveries(self, owner: UUID) -> list[DeliveryView]:
        return list(await list_deliveries(self.database, owner, limit=1000))

    async def sync(self, slug: str | None = None) -> dict[str, SyncReport]:
        async def offer(tenant_id: UUID, job_id: UUID) -> bool:
            return True

        reports = await sync_each(
            self.database,
            group_by_desk(self.directory, slug=slug),
            offer=offer,
            open_desk=lambda known: open_help_desk(known, self.database, longest_wait=timedelta(seconds=30)),
        )
        return {report.slug: report for report in reports}

    async def stored(self, tenant: Tenant, table: str, column: str) -> set[str]:
        async with self.database.as_tenant(tenant.id) as session:
            return set((await session.execute(text(f"select {column} from {table}"))).scalars())

    def notes(self, ticket_id: str) -> list[str]:
        return [note.html for note in self.portal.notes(ticket_id)]

    def fault(self, match: str, kind: str, **values: Any) -> None:
        self.portal.faults.add(Fault.model_validate({"match": match, "kind": kind, **values}))


@pytest.fixture(params=[Edition.MSP_ON_PREMISES, Edition.MSP_CLOUD])
async def shared(
    request: pytest.FixtureRequest,
    urls: DatabaseUrls,
    valkey: ValkeyServer,
    help_desk: HelpDeskSimulator,
    model: ModelSimulator,
    tmp_path: Path,
) -> AsyncIterator[Shared]:
    name = f"m{uuid4().hex[:8]}"
    secrets: dict[str, Any] = {"api_key": "key"}
    if request.param is Edition.MSP_CLOUD:
        secrets = {"client_id": "id", "client_secret": "cs", "refresh_token": "rt"}
    portal = help_desk.add_portal(Portal(slug=name, edition=request.param, accounts=dict(NAMES), **secrets))
    options: dict[str, Any] = {"accounts_url": portal.accounts_url} if request.param is Edition.MSP_CLOUD else {}
    instance = an_instance(name, edition=request.param, url=portal.url, **options)
    mounted = secrets if "api_key" in secrets else {f"oauth_{key}": value for key, value in secrets.items()}
    write_instance(tmp_path, instance, webhook_secret="secret", **mounted)
    acme = an_account(instance, f"acme-{name}", {"id": ACME})
    globex = an_account(instance, f"globex-{name}", {"id": GLOBEX, "name": "Globex"})
    for tenant in (acme, globex):
        write_tenant(tmp_path, tenant)
    directory = TenantDirectory(tmp_path / "files", tmp_path / "secrets")
    assert directory.refresh() == []
    async with (
        open_database(urls.worker) as database,
        open_intake(urls.intake) as intake,
        open_worker(worker_settings(urls, valkey, tmp_path, model)) as worker,
    ):
        await keep_accounts(database, directory.instance_of)
        yield Shared(instance, acme, globex, portal, model, directory, database, intake, worker)
        await keep_accounts(database, {})
        await clear(database)


async def test_each_row_goes_to_its_accounts_tenant_and_to_no_other(shared: Shared) -> None:
    for account, name in NAMES.items():
        shared.solved(account, f"Restarted the queue of {name}.")
        shared.portal.add_article(title=f"Mail at {name}", text="words", accounts=[account])
        shared.portal.add_asset(name=f"PC-{account}", ip="10.0.0.1", account=account)
    shared.ticket("", subject="Nobody's")
    shared.portal.add_article(title="Everybody's", text="words")
    shared.portal.add_article(title="Two's", text="words", accounts=[ACME, GLOBEX])
    shared.portal.add_asset(name="PC-0", ip="10.0.0.1")
    calls = len(shared.portal.calls)

    reports = await shared.sync()

    assert not any(report.has_failed for report in reports.values()), [report.line for report in reports.values()]
    assert await shared.stored(shared.acme, "ticket", "resolution") == {"Restarted the queue of Acme Corp."}
    assert await shared.stored(shared.globex, "ticket", "resolution") == {"Restarted the queue of Globex."}
    assert await shared.stored(shared.acme, "article", "title") == {"Mail at Acme Corp", "Two's"}
    assert await shared.stored(shared.globex, "asset", "name") == {"PC-602"}
    strays = await list_strays(shared.database, shared.instance.id)
    assert strays[Stray("tickets", "603 (Initech)")] == 1
    assert strays[Stray("tickets", "")] == strays[Stray("articles", "")] == strays[Stray("assets", "")] == 1
    assert "1 accounts that no tenant's file names" in reports[shared.instance.name].line
    listed = [call for call in list(shared.portal.calls)[calls:] if call == "GET /requests"]
    assert len(listed) <= 2, "each list is read once for all accounts"


async def test_a_client_that_comes_later_gets_its_history_and_the_others_keep_theirs(
    shared: Shared, tmp_path: Path
) -> None:
    for account, name in NAMES.items():
        shared.solved(account, f"Restarted the queue of {name}.")
    await shared.sync()
    initech = an_account(shared.instance, f"initech-{shared.instance.name}", {"id": UNKNOWN})
    write_tenant(tmp_path, initech)
    assert shared.directory.refresh() == []

    reports = await shared.sync()

    assert await shared.stored(initech, "ticket", "resolution") == {"Restarted the queue of Initech."}
    assert {reports[tenant.slug].stored["tickets"] for tenant in (shared.acme, shared.globex)} == {0}
    assert (await shared.sync())[initech.slug].stored["tickets"] == 0


async def test_one_client_alone_is_synced_without_the_others(shared: Shared) -> None:
    for account, name in NAMES.items():
        shared.solved(account, f"Restarted the queue of {name}.")
    reports = await shared.sync(shared.acme.slug)
    assert shared.globex.slug not in reports
    assert await shared.stored(shared.globex, "ticket", "id") == set()
    assert len(await shared.stored(shared.acme, "ticket", "id")) == 1
    assert Stray("tickets", "602 (Globex)") not in await list_strays(shared.database, shared.instance.id)


async def test_a_missed_ticket_is_recorded_for_its_own_tenant_alone(shared: Shared) -> None:
    await shared.sync()
    ticket_id = shared.ticket(GLOBEX)
    async with shared.database.as_tenant(shared.globex.id) as session:
        await session.execute(text("update sync_cursor set seen_up_to = now() - interval '1 hour'"))
    created = shared.portal.tickets[ticket_id]
    created.created = created.updated = created.created - timedelta(minutes=10)
    await shared.sync()
    assert [each.ticket_id for each in await shared.deliveries(shared.globex.id)] == [ticket_id]
    assert await shared.deliveries(shared.acme.id) == []


async def test_a_note_holds_the_history_of_its_own_client_alone(shared: Shared) -> None:
    shared.solved(ACME, "Turned cached mode on at Acme.")
    shared.solved(GLOBEX, "Repaired the profile at Globex.")
    await shared.sync()
    ticket_id = shared.ticket(GLOBEX)
    await shared.deliver(shared.globex.id, ticket_id)
    await shared.work()
    [note] = shared.notes(ticket_id)
    assert "Globex" in note
    assert "Acme" not in note


@pytest.mark.parametrize("account", [GLOBEX, UNKNOWN, ""])
@pytest.mark.parametrize("event", ["ticket_created", "ticket_resolved"])
async def test_a_ticket_of_another_account_is_ignored_and_leaves_nothing(
    shared: Shared, account: str, event: str
) -> None:
    ticket_id = shared.solved(account, "Words of another client.")
    await shared.deliver(shared.acme.id, ticket_id, event=event, subject="Words of another client", description="x")
    await shared.work()
    [delivery] = await shared.deliveries(shared.acme.id)
    assert (delivery.status, delivery.code) == ("ignored", Code.TICKET_OF_ANOTHER_ACCOUNT)
    assert shared.notes(ticket_id) == []
    assert await shared.stored(shared.acme, "ticket", "id") == set()
    assert shared.model.calls == 0


async def test_a_ticket_that_moved_to_another_account_leaves_the_history(shared: Shared) -> None:
    ticket_id = shared.solved(ACME, "Restarted it.")
    await shared.deliver(shared.acme.id, ticket_id, event="ticket_resolved")
    await shared.work()
    assert await shared.stored(shared.acme, "ticket", "id") == {ticket_id}
    shared.portal.update_ticket(ticket_id, account=GLOBEX)
    await shared.deliver(shared.acme.id, ticket_id)
    await shared.work()
    assert await shared.stored(shared.acme, "ticket", "id") == set()


async def test_a_webhooks_word_does_not_stand_for_a_ticket_whose_account_cannot_be_seen(shared: Shared) -> None:
    ticket_id = shared.ticket(GLOBEX)
    shared.fault(f"GET requests/{ticket_id}", "status", status=500, times=None)
    await shared.deliver(shared.acme.id, ticket_id, subject="Outlook receives no mail", description="Since noon.")
    await shared.work()
    [delivery] = await shared.deliveries(shared.acme.id)
    assert delivery.status == "pending"
    assert shared.notes(ticket_id) == []


async def test_a_note_goes_to_no_ticket_whose_account_was_not_seen_in_the_attempt(shared: Shared) -> None:
    ticket_id = shared.ticket(ACME)
    known = shared.directory.find(shared.acme.id)
    assert known is not None

    async def begin() -> None:
        return

    async with open_help_desk(known, shared.database, longest_wait=timedelta(seconds=30)) as desk:
        first = desk.for_attempt()
        await first.load_ticket(ticket_id)
        note_id = await first.post_note(ticket_id, "<p>x</p>", begin=begin)
        second = desk.for_attempt()
        for call in (
            second.post_note(ticket_id, "<p>x</p>", begin=begin),
            second.find_notes(ticket_id, containing="x"),
            second.delete_note(ticket_id, note_id),
        ):
            with pytest.raises(TicketForeign):
                await call
    assert len(shared.notes(ticket_id)) == 1


async def test_lists_by_an_accounts_own_help_desk_hold_no_foreign_row(shared: Shared) -> None:
    for account in NAMES:
        shared.ticket(account)
        shared.portal.add_article(title="a", text="words", accounts=[account])
        shared.portal.add_asset(name="PC-1", ip="10.0.0.1", account=account)
    known = shared.directory.find(shared.acme.id)
    assert known is not None
    async with open_help_desk(known, shared.database, longest_wait=timedelta(seconds=30)) as desk:
        tickets = [ticket async for ticket in desk.list_tickets(updated_since=None)]
        articles = [article async for article in desk.list_articles(updated_since=None)]
        assets = [asset async for asset in desk.list_assets(updated_since=None)]
    assert {ticket.account.id for ticket in tickets} == {asset.account.id for asset in assets} == {ACME}
    assert [article.accounts[0].id for article in articles] == [ACME]


async def test_a_webhook_of_the_instance_is_routed_by_the_tickets_account(shared: Shared) -> None:
    ticket_id = shared.ticket(GLOBEX)
    await shared.deliver(shared.instance.id, ticket_id)
    await shared.work()
    [routed] = await shared.deliveries(shared.instance.id)
    assert (routed.status, routed.code) == ("ignored", Code.ROUTED)
    [delivery] = await shared.deliveries(shared.globex.id)
    assert delivery.status == "done"
    assert len(shared.notes(ticket_id)) == 1
    await shared.deliver(shared.instance.id, ticket_id)  # a redelivery
    await shared.work()
    assert len(await shared.deliveries(shared.globex.id)) == 1


async def test_a_ticket_of_an_unknown_account_waits_for_its_tenants_file(shared: Shared, tmp_path: Path) -> None:
    ticket_id = shared.ticket(UNKNOWN)
    await shared.deliver(shared.instance.id, ticket_id)
    for _ in range(5):  # more than it has attempts
        await shared.work()
        await shared.make_due()
    [waiting] = await shared.deliveries(shared.instance.id)
    assert (waiting.status, waiting.code, waiting.attempts_used) == ("pending", Code.ACCOUNT_UNKNOWN, 0)
    assert "603 (Initech)" in (waiting.last_error or "")

    write_tenant(tmp_path, an_account(shared.instance, f"initech-{shared.instance.name}", {"id": UNKNOWN}))
    shared.worker.tenants.refresh()
    await shared.make_due()
    await shared.work()

    assert len(shared.notes(ticket_id)) == 1


async def test_what_the_instance_is_held_by_holds_its_accounts(shared: Shared) -> None:
    await shared.deliver(shared.acme.id, shared.ticket(ACME))
    await pause(shared.database, shared.instance.id, by="ines", reason="an upgrade")
    assert await shared.work() == 0
    assert {hold.cause for hold in await list_holds(shared.database, [shared.globex.id])} == {Cause.PAUSED}
    await resume(shared.database, shared.instance.id)
    await hold_until_next_turn(shared.database, shared.instance.id, wait=timedelta(minutes=1))
    assert await shared.work() == 0
    async with shared.database.as_tenant(shared.instance.id) as session:
        await session.execute(text("delete from gate"))
    circuits = Circuits(shared.database)
    for _ in range(5):
        await circuits.record_failure(shared.instance.id, Dependency.MODEL)
    assert await shared.work() == 1  # an instance's model is no account's


async def test_a_help_desk_that_is_down_opens_one_circuit_for_all_its_accounts(shared: Shared) -> None:
    shared.fault("*", "status", status=503, times=None)
    for account, tenant in ((ACME, shared.acme), (GLOBEX, shared.globex)) * 3:
        await shared.deliver(tenant.id, shared.ticket(account))
    await shared.work()
    held = await list_holds(shared.database, [shared.acme.id, shared.globex.id, shared.instance.id])
    assert {(hold.tenant_id, hold.cause) for hold in held} == {
        (tenant_id, Cause.HELP_DESK) for tenant_id in (shared.acme.id, shared.globex.id, shared.instance.id)
    }
    shared.portal.faults.clear()
    for _ in range(8):
        async with shared.database.as_tenant(shared.instance.id) as session:
            await session.execute(text("update gate set closed_until = now() where closed_until > now()"))
        await shared.make_due()
        await shared.work()
    for tenant in (shared.acme, shared.globex):
        assert {each.status for each in await shared.deliveries(tenant.id)} <= {"done", "ignored"}


async def test_accounts_share_the_instances_slots_and_the_quiet_one_has_its_turn(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = shared.worker.attempts._parts.ledger
    slots = {shared.instance.id: 2, shared.acme.id: 10, shared.globex.id: 10}
    monkeypatch.setattr(ledger, "_slots", lambda: slots)
    for _ in range(6):
        await shared.deliver(shared.acme.id, shared.ticket(ACME, subject=uuid4().hex))
    first = await ledger.claim_next()
    await shared.deliver(shared.globex.id, shared.ticket(GLOBEX))
    second = await ledger.claim_next()
    assert first is not None
    assert second is not None
    assert (first.tenant_id, second.tenant_id) == (shared.acme.id, shared.globex.id)
    assert await ledger.claim_next() is None
    await ledger.release(first)
    third = await ledger.claim_next()
    assert third is not None
    assert third.tenant_id == shared.acme.id


def test_an_account_is_told_by_an_object_or_a_bare_value() -> None:
    assert AccountRef.parse({"id": 601, "name": " Acme  Corp "}) == AccountRef("601", "Acme Corp")
    assert AccountRef.parse("601") == AccountRef("601", "601")
    assert AccountRef.parse({"display_value": "Acme"}) == AccountRef("", "Acme")
    nothing: list[Any] = [None, "", " ", [], {}, {"id": None}]
    odd: list[Any] = [True, 1.5, [[]], {"ref": "601"}, "\x00"]
    assert {AccountRef.parse(value) for value in nothing} == {AccountRef()}
    assert {AccountRef.parse(value) for value in odd} == {AccountRef(is_unclear=True)}


async def test_rows_of_no_tenant_are_a_gauge_until_their_file_comes(shared: Shared, tmp_path: Path) -> None:
    def strays(kind: str) -> float | None:
        return REGISTRY.get_sample_value("stray_rows", {"instance": shared.instance.name, "kind": kind})

    await look_at_strays(shared.database, shared.directory)
    assert [strays(kind) for kind in KINDS] == [0, 0, 0]
    for _ in range(3):
        shared.solved(UNKNOWN, "Of no tenant.")
    shared.portal.add_asset(name="PC-0", ip="10.0.0.1")
    await shared.sync()
    await look_at_strays(shared.database, shared.directory)
    assert [strays(kind) for kind in KINDS] == [3, 0, 1]

    write_tenant(tmp_path, an_account(shared.instance, f"initech-{shared.instance.name}", {"id": UNKNOWN}))
    shared.directory.refresh()
    await look_at_strays(shared.database, shared.directory)
    assert [strays(kind) for kind in KINDS] == [0, 0, 1]
