"""History, knowledge and assets from ServiceDesk Plus, and the tickets that no webhook told of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.core.delivery import compute_job_id, parse_webhook
from app.core.help_desk import Edition
from app.core.tenant import Tenant
from app.db.ledger.intake import AcceptedDelivery, open_intake
from app.db.limits.rate import CallRate
from app.db.reports.deliveries import list_deliveries
from app.db.session import Database
from app.errors import HelpDeskUnavailable
from app.help_desks import open_help_desk
from app.integrations.servicedesk import ServiceDesk
from app.settings import SyncSettings
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.sync import DeskOwners, SyncReport, sync_all, sync_desk, sync_each
from app.tenants import KnownTenant, TenantSecrets
from demo.embedded import DatabaseUrls, ValkeyServer, find_free_port
from tests.builders import a_body, a_tenant, an_account, an_instance
from tests.integration.embeddings_server import open_embeddings
from tests.integration.streams import Forwarder


@dataclass
class Scene:
    known: KnownTenant
    portal: Portal
    desk: ServiceDesk
    database: Database
    offered: list[UUID] = field(default_factory=list)

    @property
    def tenant(self) -> Tenant:
        return self.known.tenant

    async def offer(self, tenant_id: UUID, job_id: UUID) -> bool:  # noqa: ARG002 - the port's signature
        self.offered.append(job_id)
        return True

    async def sync(self) -> SyncReport:
        [report] = await sync_desk(
            self.database, DeskOwners(self.known), self.desk, offer=self.offer, grace=timedelta(0)
        )
        return report

    async def count(self, table: str) -> int:
        async with self.database.as_tenant(self.tenant.id) as session:
            return int((await session.execute(text(f"select count(*) from {table}"))).scalar_one())


@pytest.fixture
async def scene(worker_db: Database, help_desk: HelpDeskSimulator) -> AsyncIterator[Scene]:
    portal = help_desk.add_portal(Portal(slug="acme", edition=Edition.ON_PREMISES, api_key="key"))
    tenant = a_tenant("acme", servicedesk={"url": portal.url})
    known = KnownTenant(tenant, TenantSecrets(webhook=(b"s",), api_key="key"))
    async with open_help_desk(known, worker_db, longest_wait=timedelta(seconds=30)) as desk:
        yield Scene(known, portal, desk, worker_db)


def fill(portal: Portal) -> None:
    for n in range(3):
        portal.add_ticket(
            subject=f"s{n}",
            description="words",
            created="2026-01-01T00:00:00Z",
            resolved="2026-01-02T00:00:00Z",
            status="Resolved",
            resolution="restarted it",
        )
    portal.add_article(title="Good", text="words")
    portal.add_article(title="Draft", approved=False)
    portal.add_asset(name="PC-1", hostname="pc-1", ip="10.0.0.1")


async def test_the_first_run_takes_all_and_floods_nothing(scene: Scene) -> None:
    fill(scene.portal)
    report = await scene.sync()
    assert not report.has_failed, report.line
    assert [await scene.count(table) for table in ("ticket", "article", "asset")] == [3, 1, 1]
    assert scene.offered == []
    assert report.missed == 0


async def test_a_second_run_takes_what_changed_alone(scene: Scene) -> None:
    fill(scene.portal)
    await scene.sync()
    first = next(iter(scene.portal.tickets))
    scene.portal.update_ticket(first, resolution="replaced the cable")
    report = await scene.sync()
    assert sum(report.stored.values()) == 1


async def test_a_ticket_that_no_webhook_told_of_becomes_a_delivery_once_and_a_late_webhook_is_the_same_job(
    scene: Scene, urls: DatabaseUrls
) -> None:
    fill(scene.portal)
    await scene.sync()
    told, missed = scene.portal.add_ticket(subject="told"), scene.portal.add_ticket(subject="missed")
    async with open_intake(urls.intake) as intake:
        for ticket, is_before in ((told, True), (missed, False)):
            if not is_before:
                report = await scene.sync()
                assert (report.missed, len(scene.offered)) == (1, 1)
                assert (await scene.sync()).missed == 0
            body = a_body(ticket_id=ticket.id)
            job_id = compute_job_id(scene.tenant.id, parse_webhook(body), signed_id=None)
            await intake.accept(AcceptedDelivery(scene.tenant.id, job_id, ticket.id, "ticket_created", body, None))
    deliveries = await list_deliveries(scene.database, scene.tenant.id)
    assert sorted(each.ticket_id for each in deliveries) == sorted([told.id, missed.id])
    assert scene.offered[0] in {each.job_id for each in deliveries}


async def test_a_run_that_was_cut_short_is_made_good_by_the_next(scene: Scene) -> None:
    from app.simulator.faults import Fault

    fill(scene.portal)
    scene.portal.faults.add(Fault.model_validate({"match": "GET solutions", "kind": "reset", "times": 5}))
    assert (await scene.sync()).has_failed
    scene.portal.faults.clear()
    assert not (await scene.sync()).has_failed
    assert [await scene.count(table) for table in ("ticket", "article", "asset")] == [3, 1, 1]


async def test_an_article_that_lost_its_approval_is_found_no_more(scene: Scene) -> None:
    fill(scene.portal)
    await scene.sync()
    for article in scene.portal.articles.values():
        article.approved = False
    async with scene.database.as_tenant(scene.tenant.id) as session:
        await session.execute(text("update sync_cursor set listed_at = now() - interval '30 days'"))
    await scene.sync()
    assert await scene.count("article") == 0


async def test_a_tenant_that_fails_does_not_stop_another(scene: Scene) -> None:
    fill(scene.portal)
    broken = KnownTenant(a_tenant("broken", id=uuid4()), TenantSecrets())
    sound = KnownTenant(scene.tenant, TenantSecrets(webhook=(b"s",), api_key="key"))
    reports = await sync_each(
        scene.database,
        [DeskOwners(broken), DeskOwners(sound)],
        offer=scene.offer,
        open_desk=lambda known: open_help_desk(known, scene.database, longest_wait=timedelta(seconds=30)),
    )
    assert {report.slug: report.has_failed for report in reports} == {"broken": True, "acme": False}
    assert await scene.count("ticket") == 3


async def test_help_desks_that_take_hours_keep_no_other_waiting(scene: Scene) -> None:
    fill(scene.portal)
    slow = [KnownTenant(a_tenant(f"slow{number}"), TenantSecrets(webhook=(), api_key="key")) for number in range(12)]
    are_others_read = asyncio.Event()

    @asynccontextmanager
    async def open_desk(known: KnownTenant) -> AsyncIterator[Any]:
        if known is not scene.known:
            await are_others_read.wait()
            raise HelpDeskUnavailable("It took hours.")
        async with open_help_desk(known, scene.database, longest_wait=timedelta(seconds=30)) as desk:
            yield desk
        are_others_read.set()

    desks = [DeskOwners(known) for known in (*slow, scene.known)]
    async with asyncio.timeout(30):
        reports = await sync_each(
            scene.database, desks, offer=scene.offer, open_desk=open_desk, turn=timedelta(seconds=0.1)
        )
    assert [report.slug for report in reports if not report.has_failed] == ["acme"]


async def test_a_sync_leaves_the_bursts_to_tickets_that_somebody_waits_for(
    scene: Scene, urls: DatabaseUrls, valkey: ValkeyServer
) -> None:
    servicedesk = scene.tenant.servicedesk.model_copy(update={"calls_per_minute": 300})
    tenant = scene.tenant.model_copy(update={"id": uuid4(), "servicedesk": servicedesk})
    settings = SyncSettings.model_validate({"database_url": urls.worker, "redis_url": valkey.url})
    known = KnownTenant(tenant, TenantSecrets(webhook=(b"s",), api_key="key"))
    [report] = await sync_all(settings, [DeskOwners(known)])
    assert not report.has_failed, report.line

    calls = CallRate(scene.database, tenant, longest_wait=timedelta(0))
    for _ in range(3):  # of a burst of five, at once
        await calls.acquire()


async def test_a_new_pod_that_reaches_nothing_yet_waits_for_the_database(
    scene: Scene, urls: DatabaseUrls, valkey: ValkeyServer
) -> None:
    """As seen behind kube-router: refused for the first seconds, until the firewall knew of the pod."""
    fill(scene.portal)
    known = KnownTenant(scene.tenant.model_copy(update={"id": uuid4()}), TenantSecrets(webhook=(b"s",), api_key="key"))
    inner, port = urlsplit(urls.worker).port, find_free_port()
    assert inner is not None
    url = urls.worker.replace(f":{inner}/", f":{port}/")
    settings = SyncSettings.model_validate({"database_url": url, "redis_url": valkey.url})
    run = asyncio.create_task(sync_all(settings, [DeskOwners(known)]))
    await asyncio.sleep(0.5)
    server = await asyncio.start_server(Forwarder(inner).serve, "127.0.0.1", port)
    [report] = await run
    server.close()

    assert not report.has_failed, report.line
    assert report.stored["tickets"] == 3


async def test_the_sync_makes_vectors_and_says_what_of_them_fails(
    scene: Scene, urls: DatabaseUrls, valkey: ValkeyServer
) -> None:
    fill(scene.portal)
    tenant = scene.tenant.model_copy(update={"id": uuid4()})
    known = KnownTenant(tenant, TenantSecrets(webhook=(b"s",), api_key="key"))
    async with open_embeddings() as server:
        given = {"database_url": urls.worker, "redis_url": valkey.url}
        settings = SyncSettings.model_validate(given).model_copy(update=server.settings)
        server.status = 401
        [report] = await sync_all(settings, [DeskOwners(known)])
        assert "vectors: the embeddings' endpoint refused the call (401); check EMBEDDING_API_KEY" in report.line
        assert report.stored["tickets"] == 3, "the sync did all else"
        server.status = 200
        [report] = await sync_all(settings, [DeskOwners(known)])
    assert not report.has_failed
    assert "3 tickets got vectors" in report.line


async def test_an_account_whose_help_desk_can_not_be_opened_fails_no_vectors(
    urls: DatabaseUrls, valkey: ValkeyServer
) -> None:
    instance = an_instance()
    account = KnownTenant(an_account(instance, "globex", {"id": "1"}), TenantSecrets())
    owners = DeskOwners(KnownTenant(instance.as_tenant(), TenantSecrets()), [account], frozenset({account.tenant.id}))
    async with open_embeddings() as server:
        given = {"database_url": urls.worker, "redis_url": valkey.url}
        settings = SyncSettings.model_validate(given).model_copy(update=server.settings)
        [report] = await sync_all(settings, [owners])
    assert (report.slug, report.has_failed) == (instance.as_tenant().slug, True)


async def test_a_tenants_files_are_articles_until_they_are_gone(scene: Scene, tmp_path: Path) -> None:
    async def sync(files: Path | None) -> SyncReport:
        [report] = await sync_desk(
            scene.database, DeskOwners(scene.known), scene.desk, offer=scene.offer, grace=timedelta(0), files=files
        )
        return report

    async def ids() -> list[str]:
        async with scene.database.as_tenant(scene.tenant.id) as session:
            return list((await session.execute(text("select id from article order by id"))).scalars())

    scene.portal.add_article(id="7", title="Printer", text="Restart the spooler.")
    folder = tmp_path / "acme"
    folder.mkdir()
    (tmp_path / "globex").mkdir()
    (tmp_path / "globex" / "theirs.md").write_text("# Theirs")
    (folder / "vpn.md").write_text("# VPN error 809\nOpen UDP 500.")
    (folder / "bad.md").write_bytes(b"\xff")
    report = await sync(tmp_path)
    assert await ids() == ["7", "file:vpn.md"]
    assert not report.has_failed
    assert "file bad.md: is not UTF-8" in report.line
    await sync(None)
    await sync(tmp_path / "not mounted")
    assert await ids() == ["7", "file:vpn.md"]
    folder.rename(tmp_path / "put aside")
    folder.write_text("no folder, so it can't be listed")
    report = await sync(tmp_path)
    assert await ids() == ["7", "file:vpn.md"]
    assert "file .: can't be listed" in report.line
    folder.unlink()
    (tmp_path / "put aside").rename(folder)
    (folder / "vpn.md").unlink()
    await sync(tmp_path)
    assert await ids() == ["7"]


async def test_a_file_has_the_date_that_it_tells_and_is_stored_also_if_that_goes_back(
    scene: Scene, tmp_path: Path
) -> None:
    file = tmp_path / "acme" / "mfa.md"
    file.parent.mkdir()
    for day in ("2026-03-01", "2025-01-01"):
        file.write_text(f"---\nupdated: {day}\n---\n# MFA\nMFA is never reset by phone, says {day}.")
        await sync_desk(
            scene.database, DeskOwners(scene.known), scene.desk, offer=scene.offer, grace=timedelta(0), files=tmp_path
        )
        async with scene.database.as_tenant(scene.tenant.id) as session:
            stored = (await session.execute(text("select updated_at::date::text, text from article"))).one()
        assert tuple(stored) == (day, f"MFA is never reset by phone, says {day}.")
