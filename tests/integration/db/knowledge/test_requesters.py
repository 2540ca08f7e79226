"""What the stored tickets tell of a requester: of the tenant's own alone, and nothing that is not known."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from app.core.asset import Asset
from app.core.requester import PastTicket, Requester
from app.core.tenant import Tenant
from app.core.ticket import Fate, Ticket
from app.db.knowledge.requesters import RequesterSearch
from app.db.knowledge.store import upsert_assets, upsert_tickets
from app.db.session import Database
from app.db.sql import load
from app.db.sqlalchemy_sessions import load_text
from demo.embedded import DatabaseUrls
from tests.builders import a_tenant, a_ticket
from tests.integration.db.explain import explain, pages
from tests.integration.superuser import run_as_superuser

JANE = "jane@acme.example"


def resolved(number: int, day: int, **changes: Any) -> Ticket:
    return a_ticket(
        id=str(number),
        requester=JANE,
        subject=f"Subject {number}",
        status="Resolved",
        resolution="Restarted it.",
        fate=Fate.CLOSED,
        resolved_at=f"2026-10-{day:02}T10:00:00Z",
        **changes,
    )


async def store(database: Database, tenant: Tenant, *tickets: Ticket) -> None:
    async with database.as_tenant(tenant.id) as session:
        await upsert_tickets(session, tenant.id, tickets, language="en")


async def about(database: Database, tenant: Tenant, **changes: Any) -> Requester:
    return await RequesterSearch(database, tenant).about(a_ticket(**{"requester": JANE, **changes}))


async def test_other_open_tickets_are_counted_and_the_last_three_listed(worker_db: Database) -> None:
    tenant, other = a_tenant("one"), a_tenant("two")
    own = [resolved(number, number) for number in range(1, 6)]
    opened = [a_ticket(id=str(number), requester=JANE, status="Open") for number in (20, 21)]
    this = a_ticket(requester=JANE)
    somebody = a_ticket(id="30", requester="jan@acme.example")
    cancelled = a_ticket(id="31", requester=JANE, status="Cancelled", fate=Fate.CLOSED)
    await store(worker_db, tenant, *own, *opened, this, somebody, cancelled)
    await store(worker_db, other, *(a_ticket(id=str(number), requester=JANE) for number in range(50, 59)))

    found = await about(worker_db, tenant, is_vip=True, site="Berlin")
    assert found == Requester(
        is_vip=True,
        site="Berlin",
        open_tickets=2,
        past_tickets=tuple(
            PastTicket(number=str(number), subject=f"Subject {number}", outcome="Resolved") for number in (5, 4, 3)
        ),
    )
    assert (await about(worker_db, other)).open_tickets == 9
    assert (await about(worker_db, other)).past_tickets == ()


async def test_of_a_stranger_nothing_is_known(worker_db: Database) -> None:
    tenant = a_tenant()
    await store(worker_db, tenant, resolved(1, 1), a_ticket(requester="new@acme.example"), a_ticket(id="2"))
    assert not (await about(worker_db, tenant, requester="new@acme.example")).is_known
    assert not (await about(worker_db, tenant, requester="")).is_known


async def test_who_has_only_resolved_tickets_has_no_open_one(worker_db: Database) -> None:
    tenant = a_tenant()
    await store(worker_db, tenant, resolved(1, 1))
    assert (await about(worker_db, tenant)).open_tickets == 0


async def test_a_reopened_ticket_is_open_and_not_of_the_past(worker_db: Database) -> None:
    tenant = a_tenant()
    await store(worker_db, tenant, resolved(1, 1).model_copy(update={"fate": Fate.OPEN, "status": "Reopened"}))
    found = await about(worker_db, tenant)
    assert (found.open_tickets, found.past_tickets) == (1, ())


async def test_rows_of_an_older_release_say_nothing_of_open_tickets_until_they_are_read_again(
    worker_db: Database,
) -> None:
    tenant = a_tenant()
    tickets = [resolved(1, 1), a_ticket(id="2", requester=JANE, status="Open")]
    await store(worker_db, tenant, *tickets)
    async with worker_db.as_tenant(tenant.id) as session:
        await session.execute(text("update ticket set is_open = null"))
    found = await about(worker_db, tenant)
    assert (found.open_tickets, len(found.past_tickets)) == (None, 1)
    await store(worker_db, tenant, *tickets)
    assert (await about(worker_db, tenant)).open_tickets == 1


async def test_open_tickets_about_the_same_machine_are_found_by_its_whole_name(worker_db: Database) -> None:
    tenant, other = a_tenant("one"), a_tenant("two")
    printer = Asset.model_validate({"id": "1", "name": "PRN-07", "addresses": ["10.1.2.3"]})
    for each in (tenant, other):
        async with worker_db.as_tenant(each.id) as session:
            await upsert_assets(session, each.id, [printer])
    await store(
        worker_db,
        tenant,
        a_ticket(id="40", subject="PRN-07 jams", created_at="2026-11-01T00:00:00Z"),
        a_ticket(id="41", description="Look at prn-07.", created_at="2026-11-02T00:00:00Z"),
        a_ticket(id="42", description="At 10.1.2.3 nothing answers.", created_at="2026-11-03T00:00:00Z"),
        a_ticket(id="43", subject="PRN-077 jams"),
        a_ticket(id="44", subject="PRN-07 jammed", fate=Fate.CLOSED),
    )
    await store(worker_db, other, a_ticket(id="45", subject="PRN-07 jams"))

    assert (await about(worker_db, tenant, subject="Cannot print on PRN-07")).on_same_machine == ("41", "40")
    assert (await about(worker_db, tenant, subject="10.1.2.3 is slow")).on_same_machine == ("42",)
    assert (await about(worker_db, tenant, subject="Cannot print on PRN-09")).on_same_machine == ()
    assert (await about(worker_db, tenant, id="41", subject="PRN-07")).on_same_machine == ("40",)


async def test_hostile_text_finds_nothing(worker_db: Database) -> None:
    tenant = a_tenant()
    await store(worker_db, tenant, resolved(1, 1))
    for hostile in ("%", "' or true --", "jane@acme.example\\", "_" * 254):
        assert not (await about(worker_db, tenant, requester=hostile)).is_known


async def test_it_stays_cheap_however_many_tickets_there_are(urls: DatabaseUrls, worker_db: Database) -> None:
    """Of thirty thousand tickets, as many of them by one mailbox, indexes lead to the few that are read."""
    tenant = a_tenant()
    async with worker_db.as_tenant(tenant.id) as session:
        await session.execute(
            text(
                "insert into ticket (tenant_id, id, display_id, subject, description, requester, category, status, priority,"
                " resolution, resolved_at, is_open)"
                " select :tenant_id, n::text, '', 'Alert', 'x', case when n % 2 = 0 then 'alerts@acme.example'"
                " else 'u' || n || '@acme.example' end, '', 'Resolved', '', '', now() - n * interval '1 minute', false"
                " from generate_series(1, 30000) n"
            ),
            {"tenant_id": tenant.id},
        )
    await run_as_superuser(urls, "analyze ticket")
    values = {
        "tenant_id": tenant.id,
        "ticket_id": "x",
        "requester": "alerts@acme.example",
        "names": ["prn-07"],
        "addresses": [],
        "past": 3,
        "searched": 300,
    }
    explained = text(f"explain (analyze, buffers, format json) {load_text('app.db.knowledge', 'requester').text}")
    async with worker_db.as_tenant(tenant.id) as session:
        [plan] = (await session.execute(explained, values)).scalar_one()
    read = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    assert read < 100, plan
    assert len((await about(worker_db, tenant, requester="alerts@acme.example")).past_tickets) == 3


async def test_the_latest_open_tickets_are_found_without_the_older_ones(
    urls: DatabaseUrls, worker_db: Database
) -> None:
    tenant = a_tenant()
    await run_as_superuser(
        urls,
        "insert into ticket (tenant_id, id, display_id, subject, description, requester, category, status, priority,"
        " resolution, created_at, is_open)"
        " select $1, n::text, '', 'It does not print', repeat('x', 500), 'u' || n, '', 'Open', '', '',"
        " now() - n * interval '1 hour', true from generate_series(1, 20000) n",
        tenant.id,
    )
    await run_as_superuser(
        urls, "insert into asset select $1, 'a', 'prn-07', 'prn-07', '{}', '', '', '', ''", tenant.id
    )
    await run_as_superuser(urls, "insert into asset_name values ($1, 'prn-07', 'a', false)", tenant.id)
    await run_as_superuser(urls, "analyze ticket")
    values = {
        "tenant_id": tenant.id,
        "ticket_id": "x",
        "requester": "u1",
        "names": ["prn-07"],
        "past": 3,
        "addresses": [],
        "searched": 300,
    }
    plan = await explain(urls.worker, load("app.db.knowledge", "requester"), values, tenant_id=tenant.id)
    assert pages(plan) < 500, plan
