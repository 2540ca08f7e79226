from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from sqlalchemy import text

from app.core.article import Article
from app.core.asset import Asset
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.db.knowledge.cursors import Cursor, load_cursor
from app.db.knowledge.documents import TICKETS
from app.db.knowledge.indexing import index_next, is_indexed_otherwise, lock_index
from app.db.knowledge.store import (
    drop_absent_articles,
    drop_absent_assets,
    save_cursor,
    upsert_articles,
    upsert_assets,
    upsert_tickets,
)
from app.db.session import Database
from tests.builders import a_tenant, a_ticket

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture
def tenant() -> Tenant:
    return a_tenant()


def a_resolved_ticket(**changes: Any) -> Ticket:
    return a_ticket(**{"resolution": "Restart it.", "resolved_at": NOW, "updated_at": NOW, **changes})


async def ask(database: Database, tenant: Tenant, sql: str) -> Any:
    async with database.as_tenant(tenant.id) as session:
        return (await session.execute(text(sql))).scalar_one()


async def store(database: Database, tenant: Tenant, *tickets: Ticket) -> int:
    async with database.as_tenant(tenant.id) as session:
        return await upsert_tickets(session, tenant.id, tickets, language=tenant.note.language)


async def test_the_same_again_writes_nothing(worker_db: Database, tenant: Tenant) -> None:
    tickets = [a_resolved_ticket(id=str(number)) for number in range(5)]
    article = Article(id="a", title="Mail", text="How it travels", updated_at=NOW)
    asset = Asset(id="x", name="Mail server", hostname="srv-mail01", addresses=(ip_address("10.0.0.1"),))
    versions = "select string_agg(xmin::text, ',' order by term, document) from posting where kind = 'ticket'"

    assert await store(worker_db, tenant, *tickets) == 5
    before = await ask(worker_db, tenant, versions)
    assert await store(worker_db, tenant, *tickets) == 0
    async with worker_db.as_tenant(tenant.id) as session:
        for expected in (1, 0):
            assert await upsert_articles(session, tenant.id, [article], language="en") == expected
            assert await upsert_assets(session, tenant.id, [asset]) == expected

    assert await ask(worker_db, tenant, versions) == before


async def test_a_ticket_of_which_no_word_changed_is_not_indexed_again(worker_db: Database, tenant: Tenant) -> None:
    await store(worker_db, tenant, a_resolved_ticket())
    before = await ask(worker_db, tenant, "select string_agg(xmin::text, ',' order by term) from posting")

    changed = await store(worker_db, tenant, a_resolved_ticket(priority="High", updated_at=NOW + timedelta(hours=1)))

    assert changed == 1
    assert await ask(worker_db, tenant, "select priority from ticket") == "High"
    assert await ask(worker_db, tenant, "select string_agg(xmin::text, ',' order by term) from posting") == before


async def test_an_older_version_that_comes_late_changes_nothing(worker_db: Database, tenant: Tenant) -> None:
    await store(worker_db, tenant, a_resolved_ticket(subject="New"))

    assert await store(worker_db, tenant, a_ticket(subject="Old", updated_at=NOW - timedelta(days=1))) == 0
    assert await ask(worker_db, tenant, "select subject from ticket") == "New"


async def test_one_id_twice_in_a_batch_is_stored_once_as_it_came_last(worker_db: Database, tenant: Tenant) -> None:
    await store(worker_db, tenant, a_resolved_ticket(subject="First"), a_resolved_ticket(subject="Second"))

    assert await ask(worker_db, tenant, "select string_agg(subject, ',') from ticket") == "Second"


async def test_a_reopened_ticket_leaves_the_index(worker_db: Database, tenant: Tenant) -> None:
    await store(worker_db, tenant, a_resolved_ticket())
    assert await ask(worker_db, tenant, "select count(*) from posting") > 0

    await store(worker_db, tenant, a_ticket(status="Open", updated_at=NOW + timedelta(minutes=1)))

    assert await ask(worker_db, tenant, "select count(*) from posting") == 0
    assert await ask(worker_db, tenant, "select documents from corpus where kind = 'ticket'") == 0
    assert await ask(worker_db, tenant, "select count(*) from ticket") == 1


async def test_what_a_whole_listing_lacks_is_removed(worker_db: Database, tenant: Tenant) -> None:
    articles = [Article(id=name, title=f"Title {name}", text="Words of an article") for name in ("a", "b", "c")]
    assets = [Asset(id=name, name=f"srv-{name}", hostname=f"srv-{name}") for name in ("x", "y")]
    async with worker_db.as_tenant(tenant.id) as session:
        await upsert_articles(session, tenant.id, articles, language="en")
        await upsert_assets(session, tenant.id, assets)
        assert await drop_absent_articles(session, tenant.id, {"b"}, language="en") == 2
        assert await drop_absent_articles(session, tenant.id, {"b"}, language="en") == 0
        assert await drop_absent_assets(session, tenant.id, {"y"}) == 1

    assert await ask(worker_db, tenant, "select string_agg(id, ',') from article") == "b"
    assert await ask(worker_db, tenant, "select string_agg(asset_id, ',') from asset_name") == "y"
    assert await ask(worker_db, tenant, "select count(distinct document) from posting") == 1
    assert await ask(worker_db, tenant, "select documents from corpus where kind = 'article'") == 1
    assert await ask(worker_db, tenant, "select count(*) from term where documents <> 1") == 0


async def test_a_new_language_has_everything_read_again(worker_db: Database, tenant: Tenant) -> None:
    await store(
        worker_db, tenant, *(a_resolved_ticket(id=f"{n:04}", subject="Die Drucker drucken") for n in range(450))
    )
    assert await ask(worker_db, tenant, "select count(*) from posting where term = 'die'") == 450

    after: str | None = ""
    steps = 0
    while after is not None:
        async with worker_db.as_tenant(tenant.id) as session:
            assert await is_indexed_otherwise(session, tenant.id, TICKETS, language="de")
            after = await index_next(session, tenant.id, TICKETS, after=after, language="de")
        steps += 1

    assert steps == 4  # three batches, and the look that finds no more
    assert await ask(worker_db, tenant, "select count(*) from posting where term = 'die'") == 0
    assert await ask(worker_db, tenant, "select count(*) from posting where term = 'druck'") == 450
    async with worker_db.as_tenant(tenant.id) as session:
        assert not await is_indexed_otherwise(session, tenant.id, TICKETS, language="de")


async def test_writers_at_once_keep_the_counts(worker_db: Database, tenant: Tenant) -> None:
    async def write(start: int) -> None:
        for _ in range(4):
            # In opposite orders, as two syncs and a worker may meet.
            numbers = [str(n) for n in range(start, start + 30)]
            await store(
                worker_db, tenant, *(a_resolved_ticket(id=n) for n in (numbers if start % 2 else numbers[::-1]))
            )

    async def index_again() -> None:
        async with worker_db.as_tenant(tenant.id) as session:
            await lock_index(session, tenant.id, TICKETS, language="en")
            await index_next(session, tenant.id, TICKETS, after="", language="en")

    await asyncio.gather(*(write(start) for start in (0, 11, 20, 31)), index_again(), index_again())

    stored = await ask(worker_db, tenant, "select count(*) from ticket")
    assert stored == 61
    assert await ask(worker_db, tenant, "select documents from corpus where kind = 'ticket'") == stored
    assert await ask(worker_db, tenant, "select min(documents) from term") == stored
    assert await ask(worker_db, tenant, "select max(documents) from term") == stored


async def test_a_cursor_goes_forward_only(worker_db: Database, tenant: Tenant) -> None:
    assert await load_cursor(worker_db, tenant.id, "tickets") == Cursor()
    async with worker_db.as_tenant(tenant.id) as session:
        await save_cursor(session, tenant.id, "tickets", Cursor(seen_up_to=NOW))
        await save_cursor(session, tenant.id, "tickets", Cursor(seen_up_to=NOW - timedelta(days=1), listed_at=NOW))
        await save_cursor(session, tenant.id, "tickets", Cursor())
    assert await load_cursor(worker_db, tenant.id, "tickets") == Cursor(seen_up_to=NOW, listed_at=NOW)
    assert await load_cursor(worker_db, tenant.id, "articles") == Cursor()
