"""Two clients of one shared help desk: neither's note, history or delivery ever holds what is of the other.

Each check that keeps them apart has a test here that fails without it: the account of a ticket that is read, of each
row of a list, of a ticket before its note, and what a webhook says in place of a ticket that can't be read.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from app.core.article import Article
from app.core.asset import Asset
from app.core.help_desk import Account, AccountRef, Edition
from app.core.tenant import Instance, Tenant
from app.core.ticket import Ticket
from app.db.erasure import erase_rows
from app.db.knowledge.origins import keep_origin
from app.db.knowledge.strays import KINDS, Stray, list_strays
from app.db.ledger.intake import Intake
from app.db.limits.accounts import keep_accounts
from app.db.limits.circuits import Circuits, Dependency
from app.db.limits.holds import Cause, list_holds
from app.db.limits.pauses import pause, resume
from app.db.limits.rate import hold_until_next_turn
from app.db.reports.deliveries import DeliveryView, list_deliveries
from app.db.session import Database
from app.errors import Code, HelpDeskUnavailable, TenantFileInvalid, TicketForeign, TicketNotFound
from app.help_desks import open_help_desk
from app.integrations.servicedesk import ServiceDesk
from app.simulator import wire
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.sync import SyncReport, group_by_desk, sync_desk, sync_each
from app.tenants import TenantDirectory
from app.worker.app import open_worker
from app.worker.watch import look_at_strays
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.offline_model import ModelSimulator
from tests.builders import an_account, an_instance, write_instance, write_tenant
from tests.integration.superuser import run_as_superuser
from tests.integration.worker.conftest import A_TICKET, Scene, clear, worker_settings

ACME, GLOBEX, UNKNOWN = "601", "602", "603"
NAMES = {ACME: "Acme Corp", GLOBEX: "Globex", UNKNOWN: "Initech"}


@dataclass
class Shared(Scene):
    """An instance with three accounts, of which two are tenants."""

    instance: Instance
    acme: Tenant
    globex: Tenant
    directory: TenantDirectory

    def ticket(self, account: str, **changes: Any) -> str:
        return self.portal.add_ticket(**{**A_TICKET, **changes}, account=account).id

    def solved(self, account: str, resolution: str, **changes: Any) -> str:
        return self.ticket(
            account, status="Resolved", resolved="2026-11-20T10:00:00Z", resolution=resolution, **changes
        )

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

    def answer(self, match: str, times: int = 1, **parts: Any) -> None:
        """Let the help desk answer calls with *parts*, whatever they ask for."""
        success = {"response_status": {"status_code": 2000, "status": "success"}}
        self.fault(match, "garbage", body=json.dumps({**parts, **success}), times=times)

    def row(self, ticket_id: str, **changes: Any) -> dict[str, Any]:
        return {**wire.ticket_row(self.portal.tickets[ticket_id], self.portal), **changes}

    @asynccontextmanager
    async def desk(self, tenant: Tenant | None = None) -> AsyncIterator[ServiceDesk]:
        known = self.directory.find((tenant or self.acme).id)
        assert known is not None
        async with open_help_desk(known, self.database, longest_wait=timedelta(seconds=30)) as desk:
            yield desk


@pytest.fixture(params=[Edition.MSP_ON_PREMISES, Edition.MSP_CLOUD])
async def shared(
    request: pytest.FixtureRequest,
    urls: DatabaseUrls,
    worker_db: Database,
    intake: Intake,
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
    async with open_worker(worker_settings(urls, valkey, tmp_path, model)) as worker:
        await keep_accounts(worker_db, directory.instance_of)
        yield Shared(portal, model, intake, worker_db, worker, instance, acme, globex, directory)
        await keep_accounts(worker_db, {})
        await clear(worker_db)


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


@pytest.mark.parametrize("table", ["ticket", "article", "asset", "sync_cursor"])
async def test_a_row_that_cannot_be_stored_costs_its_own_client_alone(
    shared: Shared, urls: DatabaseUrls, table: str
) -> None:
    """As a bug of ours that one client's data meets: here the database raises whatever is written for Acme."""
    for account, name in NAMES.items():
        shared.solved(account, f"Restarted the queue of {name}.")
        shared.portal.add_article(title=f"Mail at {name}", text="words", accounts=[account])
        shared.portal.add_asset(name=f"PC-{account}", ip="10.0.0.1", account=account)
    refuse = "begin if new.tenant_id = '{}' then raise 'no'; end if; return new; end"
    body = refuse.format(shared.acme.id)
    await run_as_superuser(urls, f"create function refuse() returns trigger language plpgsql as $$ {body} $$")
    await run_as_superuser(
        urls, f"create trigger refuse before insert on {table} for each row execute function refuse()"
    )
    try:
        reports = await shared.sync()
    finally:
        await run_as_superuser(urls, "drop function refuse() cascade")

    assert reports[shared.acme.slug].has_failed
    assert "a fault of ours (" in reports[shared.acme.slug].line
    assert not reports[shared.globex.slug].has_failed
    assert await shared.stored(shared.globex, "ticket", "resolution") == {"Restarted the queue of Globex."}
    assert await shared.stored(shared.globex, "article", "title") == {"Mail at Globex"}
    assert await shared.stored(shared.globex, "asset", "name") == {"PC-602"}
    assert not (await shared.sync())[shared.acme.slug].has_failed
    assert await shared.stored(shared.acme, "ticket", "resolution") == {"Restarted the queue of Acme Corp."}
    assert await shared.stored(shared.acme, "article", "title") == {"Mail at Acme Corp"}
    assert await shared.stored(shared.acme, "asset", "name") == {"PC-601"}


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
    await shared.accept_and_work(shared.globex.id, ticket_id)
    [note] = shared.notes(ticket_id)
    assert "Globex" in note
    assert "Acme" not in note


async def test_a_requester_of_two_clients_is_told_by_each_ones_own_tickets(shared: Shared) -> None:
    jane = {"name": "Jane", "email": "jane@both.example", "is_vip": True}
    shared.solved(ACME, "At Acme.")
    shared.solved(ACME, "Paper removed.", subject="Acme printer jams", description="It jams.", requester=jane)
    for number in range(3):
        shared.solved(GLOBEX, "At Globex.", subject=f"Globex scanner {number}", requester=jane)
        shared.ticket(GLOBEX, subject="Globex again", requester=jane)
    shared.ticket(ACME, subject="An Acme phone is silent", requester=jane)
    await shared.sync()
    ticket_id = shared.ticket(ACME, requester=jane, site="Berlin")
    await shared.accept_and_work(shared.acme.id, ticket_id)
    [note] = shared.notes(ticket_id)
    assert "VIP · site Berlin · 1 other open ticket · last: #" in note
    assert "Acme printer jams (Resolved)" in note
    assert "Globex" not in note.partition("<b>Requester")[2].partition("</p>")[0]


@pytest.mark.parametrize("account", [GLOBEX, UNKNOWN, ""])
@pytest.mark.parametrize("event", ["ticket_created", "ticket_resolved"])
async def test_a_ticket_of_another_account_is_ignored_and_leaves_nothing(
    shared: Shared, account: str, event: str
) -> None:
    ticket_id = shared.solved(account, "Words of another client.")
    await shared.accept_and_work(
        shared.acme.id, ticket_id, event=event, subject="Words of another client", description="x"
    )
    [delivery] = await shared.deliveries(shared.acme.id)
    assert (delivery.status, delivery.code) == ("ignored", Code.TICKET_OF_ANOTHER_ACCOUNT)
    assert shared.notes(ticket_id) == []
    assert await shared.stored(shared.acme, "ticket", "id") == set()
    assert shared.model.calls == 0


async def test_a_ticket_that_moved_to_another_account_leaves_the_history(shared: Shared) -> None:
    ticket_id = shared.solved(ACME, "Restarted it.")
    await shared.accept_and_work(shared.acme.id, ticket_id, event="ticket_resolved")
    assert await shared.stored(shared.acme, "ticket", "id") == {ticket_id}
    shared.portal.update_ticket(ticket_id, account=GLOBEX)
    await shared.accept_and_work(shared.acme.id, ticket_id)
    assert await shared.stored(shared.acme, "ticket", "id") == set()


async def test_a_webhooks_word_does_not_stand_for_a_ticket_whose_account_cannot_be_seen(shared: Shared) -> None:
    ticket_id = shared.ticket(GLOBEX)
    shared.fault(f"GET requests/{ticket_id}", "status", status=500, times=None)
    await shared.accept_and_work(
        shared.acme.id, ticket_id, subject="Outlook receives no mail", description="Since noon."
    )
    [delivery] = await shared.deliveries(shared.acme.id)
    assert delivery.status == "pending"
    assert shared.notes(ticket_id) == []


async def test_a_note_goes_to_no_ticket_whose_account_was_not_seen_in_the_attempt(shared: Shared) -> None:
    ticket_id = shared.ticket(ACME)

    async def begin() -> None:
        return

    async with shared.desk() as desk:
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
    async with shared.desk() as desk:
        tickets = [ticket async for ticket in desk.list_tickets(updated_since=None)]
        articles = [article async for article in desk.list_articles(updated_since=None)]
        assets = [asset async for asset in desk.list_assets(updated_since=None)]
    assert {ticket.account.id for ticket in tickets} == {asset.account.id for asset in assets} == {ACME}
    assert [article.accounts[0].id for article in articles] == [ACME]


async def test_a_webhook_of_the_instance_is_routed_by_the_tickets_account(shared: Shared) -> None:
    ticket_id = shared.ticket(GLOBEX)
    await shared.accept_and_work(shared.instance.id, ticket_id)
    [routed] = await shared.deliveries(shared.instance.id)
    assert (routed.status, routed.code) == ("ignored", Code.ROUTED)
    [delivery] = await shared.deliveries(shared.globex.id)
    assert delivery.status == "done"
    assert len(shared.notes(ticket_id)) == 1
    await shared.accept_and_work(shared.instance.id, ticket_id)  # a redelivery
    assert len(await shared.deliveries(shared.globex.id)) == 1


async def test_a_ticket_of_an_unknown_account_waits_for_its_tenants_file(shared: Shared, tmp_path: Path) -> None:
    ticket_id = shared.ticket(UNKNOWN)
    await shared.accept(shared.instance.id, ticket_id)
    for _ in range(5):  # more than it has attempts
        await shared.work()
        await shared.make_due()
    [waiting] = await shared.deliveries(shared.instance.id)
    assert (waiting.status, waiting.code, waiting.attempts_used) == ("pending", Code.ACCOUNT_UNKNOWN, 0)
    assert "603 (Initech)" in (waiting.last_error or "")

    write_tenant(tmp_path, an_account(shared.instance, f"initech-{shared.instance.name}", {"id": UNKNOWN}))
    shared.worker.tenants.refresh()
    await shared.work_again()

    assert len(shared.notes(ticket_id)) == 1


async def test_what_the_instance_is_held_by_holds_its_accounts(shared: Shared) -> None:
    await shared.accept(shared.acme.id, shared.ticket(ACME))
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
        await shared.accept(tenant.id, shared.ticket(account))
    await shared.work()
    held = await list_holds(shared.database, [shared.acme.id, shared.globex.id, shared.instance.id])
    assert {(hold.tenant_id, hold.cause) for hold in held} == {
        (tenant_id, Cause.HELP_DESK) for tenant_id in (shared.acme.id, shared.globex.id, shared.instance.id)
    }
    shared.portal.faults.clear()
    for _ in range(8):
        async with shared.database.as_tenant(shared.instance.id) as session:
            await session.execute(text("update gate set closed_until = now() where closed_until > now()"))
        await shared.work_again()
    for tenant in (shared.acme, shared.globex):
        assert {each.status for each in await shared.deliveries(tenant.id)} <= {"done", "ignored"}


async def test_accounts_share_the_instances_slots_and_the_quiet_one_has_its_turn(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = shared.worker.attempts._parts.ledger
    slots = {shared.instance.id: 2, shared.acme.id: 10, shared.globex.id: 10}
    monkeypatch.setattr(ledger, "_slots", lambda: slots)
    for _ in range(6):
        await shared.accept(shared.acme.id, shared.ticket(ACME, subject=uuid4().hex))
    first = await ledger.claim_next()
    await shared.accept(shared.globex.id, shared.ticket(GLOBEX))
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


@pytest.mark.parametrize("account", [GLOBEX, UNKNOWN, ""])
async def test_what_moves_to_another_account_leaves_with_the_next_sync(shared: Shared, account: str) -> None:
    ticket_id = shared.solved(ACME, "Restarted it.", updated="2026-11-20T10:00:00Z")
    kept = shared.solved(ACME, "Stays.", updated="2026-11-20T10:00:00Z")
    article = shared.portal.add_article(title="Mail", text="words", accounts=[ACME])
    asset = shared.portal.add_asset(name="PC-1", ip="10.0.0.1", account=ACME)
    await shared.sync()
    assert await shared.stored(shared.acme, "ticket", "id") == {ticket_id, kept}

    shared.portal.update_ticket(ticket_id, account=account)
    article.accounts, article.updated = [account] if account else [], datetime.now(UTC)
    asset.account, asset.updated = account, datetime.now(UTC)
    reports = await shared.sync()

    assert not any(report.has_failed for report in reports.values())
    assert await shared.stored(shared.acme, "ticket", "id") == {kept}
    assert await shared.stored(shared.acme, "article", "id") == set()
    assert await shared.stored(shared.acme, "asset", "id") == set()
    is_globex = account == GLOBEX
    assert await shared.stored(shared.globex, "ticket", "id") == ({ticket_id} if is_globex else set())
    assert await shared.stored(shared.globex, "article", "id") == ({article.id} if is_globex else set())
    assert await shared.stored(shared.globex, "asset", "id") == ({asset.id} if is_globex else set())
    assert reports[shared.acme.slug].removed == 3


async def test_what_moves_leaves_also_when_its_old_client_is_synced_alone(shared: Shared) -> None:
    ticket_id = shared.solved(ACME, "Restarted it.", updated="2026-11-20T10:00:00Z")
    await shared.sync()
    shared.portal.update_ticket(ticket_id, account=GLOBEX)
    await shared.sync(shared.acme.slug)
    assert await shared.stored(shared.acme, "ticket", "id") == set()


@pytest.mark.parametrize("is_on_one_page", [True, False])
async def test_a_ticket_that_is_listed_twice_is_of_the_account_that_came_last(
    shared: Shared, is_on_one_page: bool
) -> None:
    ticket_id = shared.solved(ACME, "Restarted it.", updated="2026-11-20T10:00:00Z")
    before = shared.row(ticket_id)
    after = shared.row(shared.portal.update_ticket(ticket_id, account=GLOBEX, updated=None).id)
    after["last_updated_time"] = before["last_updated_time"]
    pages = [[before, after]] if is_on_one_page else [[before], [after]]
    for number, page in enumerate(pages):
        shared.answer("GET requests", requests=page, list_info={"has_more_rows": number < len(pages) - 1})
    shared.answer("GET requests", requests=[], list_info={"has_more_rows": False})
    await shared.sync()
    assert await shared.stored(shared.acme, "ticket", "id") == set()
    assert await shared.stored(shared.globex, "ticket", "id") == {ticket_id}


async def test_a_ticket_that_moves_while_the_model_writes_gets_no_note(shared: Shared) -> None:
    ticket_id = shared.solved(ACME, "Restarted it.")
    await shared.accept_and_work(shared.acme.id, ticket_id, event="ticket_resolved")
    assert await shared.stored(shared.acme, "ticket", "id") == {ticket_id}
    shared.portal.update_ticket(ticket_id, status="Open", resolved=None)
    # As the first call of the attempt sees it; then it is another's.
    shared.answer(f"GET requests/{ticket_id}", request=shared.row(ticket_id))
    shared.portal.update_ticket(ticket_id, account=GLOBEX)
    await shared.accept_and_work(shared.acme.id, ticket_id)
    delivery = next(each for each in await shared.deliveries(shared.acme.id) if each.event == "ticket_created")
    assert (delivery.status, delivery.code) == ("ignored", Code.TICKET_OF_ANOTHER_ACCOUNT)
    assert shared.notes(ticket_id) == []
    assert await shared.stored(shared.acme, "ticket", "id") == set()


@pytest.mark.parametrize("account", [ACME, GLOBEX])
@pytest.mark.parametrize("event", ["ticket_created", "ticket_resolved"])
async def test_an_answer_with_another_ticket_than_asked_for_is_not_used(
    shared: Shared, account: str, event: str
) -> None:
    ticket_id, other = shared.ticket(ACME), shared.solved(account, "Words of another ticket.")
    shared.answer(f"GET requests/{ticket_id}", request=shared.row(other))
    await shared.accept_and_work(shared.acme.id, ticket_id, event=event)
    [delivery] = await shared.deliveries(shared.acme.id)
    assert (delivery.status, delivery.code) == ("pending", Code.HELP_DESK_NOT_UNDERSTOOD)
    assert shared.notes(ticket_id) == shared.notes(other) == []
    assert await shared.stored(shared.acme, "ticket", "id") == set()


@pytest.mark.parametrize(
    "answer",
    [
        {"resolution": {"content": "Words of Globex.", "request": {"id": "999"}}},
        {"resolutions": [{"content": "Words of Globex."}, {"content": "Restarted it."}]},
    ],
)
async def test_a_resolution_of_another_ticket_is_not_used(shared: Shared, answer: dict[str, Any]) -> None:
    ticket_id = shared.solved(ACME, "Restarted it.")
    row = shared.row(ticket_id)
    del row["resolution"]
    shared.answer(f"GET requests/{ticket_id}/resolutions", **answer)
    shared.answer(f"GET requests/{ticket_id}", request=row)
    async with shared.desk() as desk:
        with suppress(HelpDeskUnavailable):
            assert "Globex" not in (await desk.load_ticket(ticket_id)).resolution


async def test_details_of_another_item_than_asked_for_are_not_used(shared: Shared) -> None:
    portal = shared.portal
    portal.lists_hold_text = False
    own = portal.add_article(title="Own", text="words", accounts=[ACME])
    other = portal.add_article(title="Words of Globex", text="words", accounts=[GLOBEX])
    row = wire.article_row(other, portal)
    del row[f"{portal.account_key}s"]
    shared.answer(f"GET solutions/{own.id}", solution=row)
    path = portal.assets_path
    mine = portal.add_asset(name="PC-1", account=ACME)
    its = wire.asset_row(portal.add_asset(name="Words of Globex", account=GLOBEX), portal)
    bare = {key: wire.asset_row(mine, portal)[key] for key in ("id", "name", portal.account_key)}
    answer: dict[str, Any] = {path.removesuffix("s"): {**its, portal.account_key: None}}
    shared.answer(f"GET {path}/{mine.id}", **answer)
    lists: dict[str, Any] = {path: [bare], "list_info": {"has_more_rows": False}}
    shared.answer(f"GET {path}", times=2, **lists)
    reports = await shared.sync()
    assert "Words of Globex" not in await shared.stored(shared.acme, "article", "title")
    assert "Words of Globex" not in await shared.stored(shared.acme, "asset", "name")
    assert reports[shared.instance.name].has_failed


@pytest.mark.parametrize(
    "name", ["Init\x00ech", "Init\ud800ech", "x" * 5000, "\u202e<b>Initech", "'; drop table stray"]
)
async def test_whatever_an_account_is_called_the_others_are_synced(shared: Shared, name: str) -> None:
    shared.portal.accounts[UNKNOWN] = name
    shared.solved(UNKNOWN, "Words of another client.")
    shared.solved(ACME, "Restarted it.")
    shared.portal.add_article(title="Mail", text="words", accounts=[UNKNOWN])
    unrouted = shared.ticket(UNKNOWN)
    await shared.accept_and_work(shared.instance.id, unrouted)
    [waiting] = await shared.deliveries(shared.instance.id)
    assert waiting.code == Code.ACCOUNT_UNKNOWN
    reports = await shared.sync()
    assert not any(report.has_failed for report in reports.values()), [report.line for report in reports.values()]
    assert await shared.stored(shared.acme, "ticket", "resolution") == {"Restarted it."}
    strays = await list_strays(shared.database, shared.instance.id)
    assert sum(count for stray, count in strays.items() if stray.kind == "tickets") == 2


async def test_a_help_desk_that_leads_from_one_id_to_the_next_is_left_soon(shared: Shared) -> None:
    for one, other in (("71", "72"), ("72", "71")):
        row = {"id": other, "display_id": one}
        shared.fault(f"GET requests/{one}", "status", status=404, times=None)
        shared.answer("GET requests", requests=[row], list_info={"has_more_rows": False})
    for _ in range(20):
        shared.answer("GET requests", requests=[{"id": "71", "display_id": "72"}], list_info={"has_more_rows": False})
    before = len(shared.portal.calls)
    async with shared.desk() as desk:
        with pytest.raises(TicketNotFound):
            await desk.load_ticket("71")
    assert len(shared.portal.calls) - before <= 3


async def test_a_moved_ticket_that_is_named_by_its_display_id_leaves_the_history(shared: Shared) -> None:
    ticket_id = shared.solved(ACME, "Restarted it.")
    shared.portal.tickets[ticket_id].display_id = "77"
    await shared.accept_and_work(shared.acme.id, ticket_id, event="ticket_resolved")
    shared.portal.update_ticket(ticket_id, account=GLOBEX)
    shared.answer("GET requests", requests=[shared.row(ticket_id, display_id="77")], list_info={"has_more_rows": False})
    shared.portal.faults.clear()
    shared.fault("GET requests/77", "status", status=404, times=None)
    shared.answer("GET requests", requests=[shared.row(ticket_id, display_id="77")], list_info={"has_more_rows": False})
    await shared.accept_and_work(shared.acme.id, "77")
    assert await shared.stored(shared.acme, "ticket", "id") == set()


async def test_a_tenant_that_becomes_another_account_cites_nothing_of_the_one_before(
    shared: Shared, tmp_path: Path
) -> None:
    shared.solved(ACME, "Turned cached mode on at Acme.")
    shared.solved(GLOBEX, "Repaired the profile at Globex.")
    await shared.sync()
    swapped = [
        shared.acme.model_copy(update={"servicedesk": shared.globex.servicedesk}),
        shared.globex.model_copy(update={"servicedesk": shared.acme.servicedesk}),
    ]
    for tenant in swapped:
        (tmp_path / "files" / f"{tenant.slug}.yaml").unlink()
    for directory in (shared.directory, shared.worker.tenants):
        directory.refresh()
    for tenant in swapped:
        write_tenant(tmp_path, tenant)
    for directory in (shared.directory, shared.worker.tenants):
        assert directory.refresh() == []
    ticket_id = shared.ticket(GLOBEX)
    await shared.accept(shared.instance.id, ticket_id)
    reports = await shared.sync()
    await shared.work()

    assert "another account" in reports[shared.acme.slug].line
    assert not reports[shared.instance.name].has_failed
    assert await shared.stored(shared.acme, "ticket", "resolution") == {"Turned cached mode on at Acme."}
    assert await shared.stored(shared.globex, "ticket", "resolution") == {"Repaired the profile at Globex."}
    assert shared.notes(ticket_id) == []
    assert shared.model.calls == 0
    [delivery] = await shared.deliveries(shared.acme.id)
    assert (delivery.status, delivery.code) == ("pending", Code.TENANT_FILE_INVALID)

    fresh = swapped[0].model_copy(update={"id": uuid4()})
    write_tenant(tmp_path, fresh)
    for directory in (shared.directory, shared.worker.tenants):
        assert directory.refresh() == []
    await shared.sync()
    await shared.accept_and_work(fresh.id, ticket_id)
    [note] = shared.notes(ticket_id)
    assert "Acme" not in note


async def test_an_account_that_is_first_told_by_name_may_be_told_by_id_later(shared: Shared, tmp_path: Path) -> None:
    by_name = shared.acme.servicedesk.model_copy(update={"account": Account(name="Acme Corp")})
    await keep_origin(shared.database, shared.acme.model_copy(update={"servicedesk": by_name}))
    with pytest.raises(TenantFileInvalid):
        await keep_origin(shared.database, shared.acme)  # an id and no name: may be any
    both = shared.acme.servicedesk.model_copy(update={"account": Account(id=ACME, name="Acme Corp")})
    renamed = shared.acme.servicedesk.model_copy(update={"account": Account(id=ACME, name="Acme Inc.")})
    for options in (both, renamed, both):
        await keep_origin(shared.database, shared.acme.model_copy(update={"servicedesk": options}))
    elsewhere = both.model_copy(update={"instance_id": uuid4()})
    with pytest.raises(TenantFileInvalid):
        await keep_origin(shared.database, shared.acme.model_copy(update={"servicedesk": elsewhere}))


async def test_an_instance_without_tenants_tells_which_accounts_it_has(shared: Shared, tmp_path: Path) -> None:
    shared.ticket(UNKNOWN)
    shared.portal.add_article(title="Mail", text="words", accounts=[UNKNOWN])
    for tenant in (shared.acme, shared.globex):
        (tmp_path / "files" / f"{tenant.slug}.yaml").unlink()
    shared.directory.refresh()
    [report] = (await shared.sync()).values()
    assert not report.has_failed, report.line
    assert await list_strays(shared.database, shared.instance.id) == {
        Stray("tickets", "603 (Initech)"): 1,
        Stray("articles", "603 (Initech)"): 1,
    }


class _Killed(BaseException):
    """The sync's process ended."""


@dataclass
class _DiesEarly:
    """A help desk during whose list of tickets the sync is killed."""

    desk: ServiceDesk
    after: int

    async def list_tickets(self, *, updated_since: datetime | None) -> AsyncIterator[Ticket]:
        rows = 0
        async for ticket in self.desk.list_tickets(updated_since=updated_since):
            yield ticket
            rows += 1
            if rows == self.after:
                raise _Killed

    def list_articles(self, *, updated_since: datetime | None) -> AsyncIterator[Article]:
        return self.desk.list_articles(updated_since=updated_since)

    def list_assets(self, *, updated_since: datetime | None) -> AsyncIterator[Asset]:
        return self.desk.list_assets(updated_since=updated_since)


async def test_a_sync_that_is_killed_leaves_nobody_with_what_moved(shared: Shared) -> None:
    moved = shared.solved(ACME, "Restarted it.", updated="2026-11-20T10:00:00Z")
    await shared.sync()
    start = datetime.now(UTC) + timedelta(minutes=1)
    shared.portal.update_ticket(moved, account=GLOBEX, updated=start)
    for number in range(260):
        account = (ACME, GLOBEX, UNKNOWN)[number % 3]
        shared.ticket(account, subject=f"{NAMES[account]} {number}", updated=start + timedelta(seconds=number))
    [owners] = group_by_desk(shared.directory)

    async def offer(tenant_id: UUID, job_id: UUID) -> bool:
        return True

    known = shared.directory.find(shared.instance.id)
    assert known is not None
    for after in (50, 150, 230):
        async with open_help_desk(known, shared.database, longest_wait=timedelta(seconds=30)) as desk:
            with pytest.raises(_Killed):
                await sync_desk(shared.database, owners, _DiesEarly(desk, after), offer=offer)
    await shared.sync()

    for tenant, name in ((shared.acme, "Acme Corp"), (shared.globex, "Globex")):
        subjects = await shared.stored(tenant, "ticket", "subject") - {"Outlook receives no mail"}
        assert len(subjects) in {86, 87}
        assert {subject.rpartition(" ")[0] for subject in subjects} == {name}
    assert moved not in await shared.stored(shared.acme, "ticket", "id")
    assert moved in await shared.stored(shared.globex, "ticket", "id")


async def test_erasing_one_client_or_the_shared_help_desk_touches_no_other_client(
    shared: Shared, urls: DatabaseUrls
) -> None:
    for account in (ACME, GLOBEX, UNKNOWN):
        shared.solved(account, f"Restarted the queue of {NAMES[account]}.")
    await shared.sync()
    await shared.accept_and_work(shared.instance.id, shared.ticket(UNKNOWN))

    await erase_rows(urls.owner, shared.instance.id, actor="test")
    assert await list_strays(shared.database, shared.instance.id) == {}
    assert await shared.deliveries(shared.instance.id) == []
    assert len(await shared.stored(shared.acme, "ticket", "id")) == 1

    erased = await erase_rows(urls.owner, shared.acme.id, actor="test")
    assert erased.erased.keys() >= {"account", "origin", "ticket", "sync_cursor"}
    assert await shared.stored(shared.globex, "ticket", "resolution") == {"Restarted the queue of Globex."}
    # Its id may be used anew.
    await keep_origin(shared.database, shared.acme.model_copy(update={"servicedesk": shared.globex.servicedesk}))


async def _report(shared: Shared, account: str, who: int) -> str:
    """One more report of an outage, handled: all clients write the same words."""
    owner = {ACME: shared.acme, GLOBEX: shared.globex}[account]
    ticket_id = shared.ticket(
        account,
        subject="ERP: database not reachable",
        description="The ERP says: database not reachable.",
        requester=f"user{who}@example.com",
        site="Berlin",
    )
    await shared.accept_and_work(owner.id, ticket_id)
    return ticket_id


def _storm_notes(shared: Shared, ticket_id: str) -> list[str]:
    return [note for note in shared.notes(ticket_id) if "tickets report this" in note]


async def test_reports_of_two_clients_in_the_same_words_are_two_storms(shared: Shared) -> None:
    reports: dict[str, list[str]] = {ACME: [], GLOBEX: []}
    for who in range(5):
        for account, own in reports.items():
            own.append(await _report(shared, account, who))
            foreign = reports[GLOBEX if account == ACME else ACME]
            told = "".join(note for ticket_id in own for note in shared.notes(ticket_id))
            numbers = {shared.portal.tickets[ticket_id].display_id or ticket_id for ticket_id in foreign}
            assert not any(f"#{number}<" in told or f"#{number}," in told for number in numbers)
    for own in reports.values():
        assert "2 others reported this" in shared.notes(own[2])[0]
        [note] = _storm_notes(shared, own[0])
        assert "5 tickets report this" in note


async def test_two_reports_of_one_client_and_two_of_another_are_no_storm(shared: Shared) -> None:
    tickets = [await _report(shared, account, who) for who, account in enumerate([ACME, GLOBEX, ACME, GLOBEX])]
    assert not any("others reported" in note for ticket_id in tickets for note in shared.notes(ticket_id))


async def test_a_storms_note_goes_to_no_ticket_that_was_moved_to_another_client(shared: Shared) -> None:
    tickets = [await _report(shared, ACME, who) for who in range(4)]
    shared.portal.tickets[tickets[0]].account = GLOBEX
    tickets.append(await _report(shared, ACME, 4))
    assert not _storm_notes(shared, tickets[0])
    assert "4 others reported this" in shared.notes(tickets[-1])[0]


async def test_a_storms_note_is_not_changed_on_a_ticket_that_was_moved_to_another_client(shared: Shared) -> None:
    tickets = [await _report(shared, ACME, who) for who in range(5)]
    [before] = _storm_notes(shared, tickets[0])
    shared.portal.tickets[tickets[0]].account = GLOBEX
    tickets.append(await _report(shared, ACME, 5))
    assert _storm_notes(shared, tickets[0]) == [before]
    assert "5 others reported this" in shared.notes(tickets[-1])[0]


async def test_a_ticket_that_moves_between_look_and_change_keeps_its_storms_note(shared: Shared) -> None:
    tickets = [await _report(shared, ACME, who) for who in range(5)]
    [before] = _storm_notes(shared, tickets[0])
    # As the attempt sees it; right before the note is changed it is another's.
    shared.answer(f"GET requests/{tickets[0]}", request=shared.row(tickets[0]))
    shared.portal.tickets[tickets[0]].account = GLOBEX
    tickets.append(await _report(shared, ACME, 5))
    assert _storm_notes(shared, tickets[0]) == [before]
    assert "5 others reported this" in shared.notes(tickets[-1])[0]
