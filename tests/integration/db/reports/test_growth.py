"""What the console reads of many tenants."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.db.knowledge.cursors import load_cursors
from app.db.reports import browsing
from app.db.reports.audit import list_acts
from app.db.reports.browsing import Listed, Place, list_page
from app.db.reports.choices import EVERY
from app.db.reports.costs import Usages, list_costs, list_helpful, load_month
from app.db.reports.deliveries import count_each
from app.db.reports.models import list_estimated, list_unpriced
from app.db.reports.overview import load_figures
from app.db.reports.quality import load_quality
from app.db.reports.standings import list_standings
from app.db.session import Database
from app.db.sql import load
from demo.embedded import DatabaseUrls
from tests.integration.db.explain import explain, nodes
from tests.integration.superuser import run_as_superuser

LIMIT = 51
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


async def deliver(urls: DatabaseUrls, times: dict[UUID, list[datetime]]) -> list[tuple[datetime, UUID]]:
    """Deliveries that were accepted at these times. Returns all, the newest first."""
    rows = [(tenant_id, uuid4(), at) for tenant_id, own in times.items() for at in own]
    await run_as_superuser(
        urls,
        "insert into delivery (tenant_id, job_id, ticket_id, event, body, accepted_at)"
        " select tenant_id, job_id, '1', 'ticket_created', '{}', at"
        " from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) one (tenant_id, job_id, at)",
        *(list(column) for column in zip(*rows, strict=True)),
    )
    return sorted(((at, job_id) for _, job_id, at in rows), reverse=True)


def keys(page: list[Listed]) -> list[tuple[datetime, UUID]]:
    return [(each.place.accepted_at, each.place.job_id) for each in page]


@pytest.mark.parametrize("busy", [0, 1, 7, 200])
async def test_a_page_of_many_tenants_reads_few_of_each_and_misses_none(
    urls: DatabaseUrls, worker_db: Database, busy: int
) -> None:
    """One of them has *busy* of the newest; at times several have the same time."""
    draw = random.Random(busy)
    tenants = [uuid4() for _ in range(60)]
    times = {
        tenant: [NOW - timedelta(minutes=draw.randrange(600)) for _ in range(draw.randrange(12))] for tenant in tenants
    }
    times[tenants[7]] += [NOW + timedelta(seconds=number // 3) for number in range(busy)]
    newest_first = await deliver(urls, times)
    seen: list[tuple[datetime, UUID]] = []
    after = None
    while page := await list_page(worker_db, tenants, EVERY, after=after, limit=LIMIT):
        seen += keys(page)
        after = Place(*seen[-1])
    assert seen == newest_first


async def test_a_page_reads_one_delivery_of_most_tenants(urls: DatabaseUrls) -> None:
    """However many each has: the page's own are of as many tenants as it has rows, at the most."""
    tenants = [uuid4() for _ in range(40)]
    await deliver(urls, {tenant: [NOW - timedelta(seconds=number) for number in range(300)] for tenant in tenants})
    await run_as_superuser(urls, "analyze delivery")
    limit = 5
    values = {"tenant_ids": tenants, "limit": limit}
    plan = await explain(urls.worker, browsing._page(frozenset()), values)
    read = [node for node in nodes(plan) if node.get("Relation Name") == "delivery"]
    # A few more where several have the same time, which are put in order by their ids.
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in read) < 2 * len(tenants) + 3 * limit * limit


async def test_the_use_of_a_month_is_read_once_a_day(urls: DatabaseUrls, worker_db: Database) -> None:
    """Then of today alone, to which notes are added; a day that has passed is read anew."""
    tenant_id = uuid4()
    await run_as_superuser(
        urls,
        "insert into tally (tenant_id, hour, model, prompt_tokens, cost_usd)"
        " select $1, hour, '', 10, 0.5 from generate_series(date_trunc('month', now() at time zone 'utc'),"
        " date_trunc('hour', now() at time zone 'utc'), interval '1 hour') local,"
        " lateral (select local at time zone 'utc' as hour) h",
        tenant_id,
    )
    [[now]] = await run_as_superuser(urls, "select now() at time zone 'utc'")
    month, today = (now.day - 1) * 24 + now.hour + 1, now.hour + 1
    usages = Usages()
    first = await usages.load(worker_db, tenant_id)
    assert (first.tokens_this_month, first.tokens_today) == (10 * month, 10 * today)
    assert (first.usd_this_month, first.usd_today) == (month / 2, today / 2)

    more = "update tally set prompt_tokens = 15 where tenant_id = $1 and hour = date_trunc('hour', now())"
    await run_as_superuser(urls, more, tenant_id)
    second = await usages.load(worker_db, tenant_id)
    assert (second.tokens_this_month, second.tokens_today) == (10 * month + 5, 10 * today + 5)

    usages._earlier[tenant_id] = (now.date() - timedelta(days=1), 7, usages._earlier[tenant_id][2])
    assert await usages.load(worker_db, tenant_id) == second

    statement = load("app.db.reports", "usage")
    known = {"tenant_id": tenant_id, "known": now.date()}
    plan = await explain(urls.worker, statement, known, tenant_id=tenant_id)
    assert sum(node["Actual Rows"] for node in nodes(plan) if node.get("Relation Name") == "tally") == today


TODAY = datetime.now(UTC).date()
SPAN = {"since": TODAY.replace(day=1), "until": TODAY + timedelta(days=1)}
REPORTS: dict[str, Callable[[Database, list[UUID]], Awaitable[Any]]] = {
    "now": lambda database, ids: load_figures(database, ids, Usages()),
    "deliveries": lambda database, ids: list_page(database, ids, EVERY, after=None, limit=LIMIT),
    "replay": lambda database, ids: count_each(database, ids, EVERY, at_most=10),
    "quality": lambda database, ids: load_quality(database, ids, limit=25),
    "standings": list_standings,
    "month": lambda database, ids: load_month(database, ids, **SPAN),
    "days": lambda database, ids: list_costs(database, ids, **SPAN),
    "helpful": lambda database, ids: list_helpful(database, ids, **SPAN),
    "estimated": lambda database, ids: list_estimated(database, ids, **SPAN),
    "unpriced": lambda database, ids: list_unpriced(database, ids, **SPAN),
    "acts": lambda database, ids: list_acts(database, ids, limit=200),
    "syncs": lambda database, ids: load_cursors(database, ids, "tickets"),
}


@pytest.mark.parametrize("name", REPORTS)
async def test_many_tenants_take_as_many_statements_as_one(worker_db: Database, name: str) -> None:
    async def statements(number: int) -> list[str]:
        async with worker_db.transaction(None, reads_all_times=True) as tx:
            connection = tx._connection
        await REPORTS[name](worker_db, [uuid4()])  # the driver asks for types, once
        asked: list[str] = []

        def log(record: Any) -> None:
            asked.append(record.query)

        await asyncio.sleep(0)  # what was asked before is told now
        connection.add_query_logger(log)
        await REPORTS[name](worker_db, [uuid4() for _ in range(number)])
        await asyncio.sleep(0)
        connection.remove_query_logger(log)
        return asked

    assert await statements(1) == await statements(50)
