"""Which tickets count as missed, and what a sync that was killed leaves to the next: with a help desk made of lists."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.article import Article
from app.core.asset import Asset
from app.core.tenant import Tenant
from app.core.ticket import Fate, Ticket
from app.db.session import Database
from app.errors import HelpDeskUnavailable
from app.sync import DeskOwners, SyncReport, sync_desk
from app.tenants import KnownTenant, TenantSecrets
from tests.builders import a_tenant, a_ticket

Known = Ticket | Article | Asset


@dataclass
class ListedDesk:
    """A help desk that lists what it holds, as ServiceDesk Plus does; after *breaks_after* tickets it fails."""

    tickets: list[Ticket] = field(default_factory=list)
    articles: list[Article] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    breaks_after: int | None = None
    error: BaseException = field(default_factory=lambda: HelpDeskUnavailable("gone"))
    asked: list[tuple[str, datetime | None]] = field(default_factory=list)

    async def list_tickets(self, *, updated_since: datetime | None) -> AsyncIterator[Ticket]:
        self.asked.append(("tickets", updated_since))
        timed = [(ticket.updated_at or ticket.created_at, ticket) for ticket in self.tickets]
        recent = [(time, ticket) for time, ticket in timed if time and (not updated_since or time >= updated_since)]
        for number, (_, ticket) in enumerate(sorted(recent, key=lambda entry: entry[0])):
            if number == self.breaks_after:
                raise self.error
            yield ticket

    async def list_articles(self, *, updated_since: datetime | None) -> AsyncIterator[Article]:
        self.asked.append(("articles", updated_since))
        for article in self.articles:
            yield article

    async def list_assets(self, *, updated_since: datetime | None) -> AsyncIterator[Asset]:
        self.asked.append(("assets", updated_since))
        for asset in self.assets:
            yield asset

    def since(self, kind: str) -> datetime | None:
        """What the last listing of *kind* began at."""
        return [since for asked, since in self.asked if asked == kind][-1]


@dataclass
class Scene:
    database: Database
    tenant: Tenant
    desk: ListedDesk = field(default_factory=ListedDesk)
    offered: list[tuple[UUID, UUID]] = field(default_factory=list)

    async def sync(self, **options: Any) -> SyncReport:
        owners = DeskOwners(KnownTenant(self.tenant, TenantSecrets()))
        options = {"grace": timedelta(0), **options}
        [report] = await sync_desk(self.database, owners, self.desk, offer=self._offer, **options)
        return report

    async def _offer(self, tenant_id: UUID, job_id: UUID) -> bool:
        self.offered.append((tenant_id, job_id))
        return False

    async def ask(self, sql: str, **values: Any) -> Sequence[Any]:
        async with self.database.as_tenant(self.tenant.id) as session:
            return (await session.execute(text(sql), values)).all()

    async def run(self, sql: str, **values: Any) -> None:
        async with self.database.as_tenant(self.tenant.id) as session:
            await session.execute(text(sql), {"tenant_id": self.tenant.id, **values})

    async def missed(self) -> list[tuple[str, str]]:
        rows = await self.ask("select ticket_id, event from delivery where body like '%reconciliation%' order by 1, 2")
        return [(row.ticket_id, row.event) for row in rows]


@pytest.fixture
def scene(worker_db: Database) -> Scene:
    return Scene(worker_db, a_tenant())


def ago(**parts: float) -> datetime:
    return datetime.now(UTC) - timedelta(**parts)


def a_ticket_of(number: int, created_at: datetime, **changes: Any) -> Ticket:
    return a_ticket(**{"id": str(number), "created_at": created_at, "updated_at": created_at, **changes})


async def test_a_missed_ticket_is_due_at_once_with_a_body_that_says_where_it_is_from(scene: Scene) -> None:
    await scene.sync()
    scene.desk.tickets.append(a_ticket_of(1, datetime.now(UTC)))

    report = await scene.sync()

    ((job_id, body),) = await scene.ask("select job_id, body from delivery")
    assert json.loads(bytes(body)) == {"event": "ticket_created", "ticket_id": "1", "source": "reconciliation"}
    assert await scene.ask("select job_id from due where tenant_id = :id", id=scene.tenant.id) == [(job_id,)]
    assert scene.offered == [(scene.tenant.id, job_id)]
    assert "1 missed" in report.line


async def test_a_ticket_that_something_knows_is_left_alone(scene: Scene) -> None:
    await scene.sync()
    delivered, enhanced, unknown = (a_ticket_of(number, datetime.now(UTC)) for number in (1, 2, 3))
    scene.desk.tickets += [delivered, enhanced, unknown]
    await scene.run(
        "insert into delivery (tenant_id, job_id, ticket_id, event, body)"
        " values (:tenant_id, gen_random_uuid(), '1', 'ticket_created', '')"
    )
    await scene.run(
        "insert into enhancement (tenant_id, ticket_id, version, job_id)"
        " values (:tenant_id, '2', :version, gen_random_uuid())",
        version=enhanced.version,
    )

    await scene.sync()

    assert await scene.missed() == [("3", "ticket_created")]


async def test_a_ticket_whose_update_alone_was_told_is_missed(scene: Scene) -> None:
    await scene.sync()
    scene.desk.tickets.append(a_ticket_of(1, datetime.now(UTC)))
    await scene.run(
        "insert into delivery (tenant_id, job_id, ticket_id, event, body, status)"
        " values (:tenant_id, gen_random_uuid(), '1', 'ticket_updated', '', 'ignored')"
    )

    assert (await scene.sync()).missed == 1


async def test_a_ticket_that_is_resolved_or_long_past_is_history(scene: Scene) -> None:
    await scene.sync()
    await scene.run("update sync_cursor set seen_up_to = now() - interval '40 days'")
    scene.desk.tickets += [
        a_ticket_of(1, ago(minutes=1), resolved_at=ago(seconds=5), resolution="Restarted it.", fate=Fate.CLOSED),
        a_ticket_of(2, ago(days=30)),
        a_ticket_of(3, ago(days=2)),
    ]

    await scene.sync()

    assert await scene.missed() == [("3", "ticket_created")]


async def test_a_webhook_has_time_to_arrive_before_its_ticket_counts_as_missed(scene: Scene) -> None:
    await scene.sync()
    scene.desk.tickets.append(a_ticket_of(1, datetime.now(UTC)))

    assert (await scene.sync(grace=timedelta(minutes=2))).missed == 0
    assert (await scene.sync()).missed == 1


async def test_updates_are_missed_where_the_tenants_events_name_them(worker_db: Database) -> None:
    scene = Scene(worker_db, a_tenant(events=["ticket_created", "ticket_updated"]))
    old = a_ticket_of(1, ago(days=300))
    scene.desk.tickets.append(old)
    await scene.sync()

    updated = old.model_copy(update={"description": "Other words", "updated_at": datetime.now(UTC)})
    scene.desk.tickets = [updated]
    assert [(await scene.sync()).missed for _ in range(2)] == [1, 0]
    assert await scene.missed() == [("1", "ticket_updated")]

    # Our own note moves the time, not the words.
    await scene.run(
        "insert into enhancement (tenant_id, ticket_id, version, job_id)"
        " values (:tenant_id, '1', :version, gen_random_uuid())",
        version=updated.version,
    )
    await scene.run("update delivery set accepted_at = accepted_at - interval '1 hour'")
    scene.desk.tickets = [updated.model_copy(update={"updated_at": datetime.now(UTC)})]
    assert (await scene.sync()).missed == 0


async def test_a_new_ticket_is_one_delivery_also_where_updates_count(worker_db: Database) -> None:
    scene = Scene(worker_db, a_tenant(events=["ticket_created", "ticket_updated"]))
    await scene.sync()
    scene.desk.tickets.append(a_ticket_of(1, datetime.now(UTC)))

    await scene.sync()

    assert await scene.missed() == [("1", "ticket_created")]


@pytest.mark.parametrize("error", [HelpDeskUnavailable("gone"), asyncio.CancelledError()], ids=["fails", "is killed"])
async def test_a_first_run_goes_on_where_it_was_cut_and_floods_nothing(scene: Scene, error: BaseException) -> None:
    scene.desk.tickets = [a_ticket_of(number, ago(days=400 - number)) for number in range(350)]
    scene.desk.breaks_after, scene.desk.error = 250, error
    try:
        assert (await scene.sync()).has_failed
    except asyncio.CancelledError:
        assert isinstance(error, asyncio.CancelledError)
    (stored,) = (await scene.ask("select count(*) from ticket"))[0]
    assert stored in {200, 250}

    scene.desk.breaks_after = None
    report = await scene.sync()

    since = scene.desk.since("tickets")
    assert since is not None
    assert ago(days=202) < since < ago(days=149)
    assert await scene.ask("select count(*) from ticket") == [(350,)]
    assert (report.missed, report.has_failed) == (0, False)


async def test_new_tickets_of_a_run_that_was_cut_are_found_by_the_next(scene: Scene) -> None:
    await scene.sync()
    now = datetime.now(UTC)
    scene.desk.tickets = [a_ticket_of(number, now + timedelta(milliseconds=number)) for number in range(5)]
    await asyncio.sleep(0.02)
    scene.desk.breaks_after = 2
    assert (await scene.sync()).missed == 2

    scene.desk.breaks_after = None
    assert (await scene.sync()).missed == 3
    assert [ticket_id for ticket_id, _ in await scene.missed()] == ["0", "1", "2", "3", "4"]


async def test_a_listing_that_breaks_removes_nothing(scene: Scene) -> None:
    scene.desk.articles = [Article(id=str(number), title="Title", text="Words") for number in range(3)]
    await scene.sync()
    await scene.run("update sync_cursor set listed_at = now() - interval '30 days'")

    class HalfADesk(ListedDesk):
        async def list_articles(self, *, updated_since: datetime | None) -> AsyncIterator[Article]:  # noqa: ARG002
            yield self.articles[0]
            raise HelpDeskUnavailable("gone")

    scene.desk = HalfADesk(articles=scene.desk.articles)
    assert (await scene.sync()).problems == ["articles: gone"]

    assert await scene.ask("select count(*) from article") == [(3,)]


async def test_one_kind_that_fails_stops_no_other(scene: Scene) -> None:
    scene.desk.tickets.append(a_ticket_of(1, ago(days=1)))
    scene.desk.assets.append(Asset(id="x", name="PC-1", hostname="pc-1"))
    scene.desk.breaks_after = 0

    report = await scene.sync()

    assert report.problems == ["tickets: gone"]
    assert await scene.ask("select count(*) from asset") == [(1,)]


async def test_articles_and_assets_are_listed_whole_every_few_hours_and_in_part_between(scene: Scene) -> None:
    updated_at = ago(hours=5)
    scene.desk.articles = [Article(id="1", title="Title", text="Words", updated_at=updated_at)]
    scene.desk.assets = [Asset(id="x", name="PC-1", hostname="pc-1", updated_at=updated_at)]

    await scene.sync()
    assert scene.desk.since("articles") is scene.desk.since("assets") is None
    await scene.sync()
    for kind in ("articles", "assets"):
        since = scene.desk.since(kind)
        assert since is not None
        assert since < updated_at
    scene.desk.assets.clear()
    assert (await scene.sync()).removed == 0
    await scene.run("update sync_cursor set listed_at = now() - interval '7 hours'")
    assert (await scene.sync()).removed == 1


async def test_a_first_run_may_be_bounded(scene: Scene) -> None:
    since = ago(days=90)

    await scene.sync(since=since)

    assert scene.desk.since("tickets") == since


async def test_a_tenant_whose_language_changed_is_indexed_again(scene: Scene) -> None:
    scene.desk.tickets = [
        a_ticket_of(1, ago(days=9), subject="Die Drucker", resolved_at=ago(days=8), resolution="Neu gestartet.")
    ]
    await scene.sync()
    assert await scene.ask("select true from posting where term = 'die'")

    scene.tenant = a_tenant(id=scene.tenant.id, note={"language": "de"})
    assert not (await scene.sync()).has_failed

    assert not await scene.ask("select true from posting where term = 'die'")
    assert await scene.ask("select true from posting where term = 'druck'")
