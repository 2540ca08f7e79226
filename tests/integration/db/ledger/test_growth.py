"""What the ledger's statements take as it grows: told by plans, pages and rows, which no other load changes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.db.ledger import claims
from app.db.ledger.claims import Ledger
from app.db.session import Database
from app.db.sql import Statement, load
from demo.embedded import DatabaseUrls
from tests.integration.db.explain import explain, nodes, pages, plans_within, rows
from tests.integration.superuser import run_as_superuser

ADD_DUE = """
with added as (
    insert into delivery (tenant_id, job_id, ticket_id, event, body)
    select tenant_id, gen_random_uuid(), n::text, 'ticket_created', '{}'
    from unnest($1::uuid[]) tenant_id, generate_series(1, $2::int) n
    returning tenant_id, job_id
)
insert into due (tenant_id, job_id, due_at)
select tenant_id, job_id, now() - make_interval(mins => 1) + $3::interval from added
"""


async def make_due(
    urls: DatabaseUrls, tenants: list[UUID], *, each: int, after: timedelta = timedelta(0), fresh: bool = True
) -> None:
    if fresh:
        await run_as_superuser(urls, "truncate due")
    await run_as_superuser(urls, ADD_DUE, tenants, each, after)
    await run_as_superuser(urls, "analyze due")


async def work_of_turn(urls: DatabaseUrls, count: int) -> int:
    tenants = [uuid4() for _ in range(count)]
    await make_due(urls, tenants, each=2)
    values = {"own_slots": json.dumps({str(tenant): 4 for tenant in tenants}), "slots": 4, "limit": 50}
    return rows(await explain(urls.worker, load("app.db.ledger", "due_tenants"), values))


async def test_the_turn_of_tenants_takes_as_much_more_as_there_are_more(urls: DatabaseUrls) -> None:
    few, many = await work_of_turn(urls, 50), await work_of_turn(urls, 400)
    assert many < 10 * few


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Statement]:
    """Each look for the tenants whose turn it is."""
    found: list[Statement] = []
    rows_of = Database.rows_alone

    async def counting(self: Database, statement: Statement, /, **values: Any) -> Any:
        if statement is claims._CLAIM_FIRST:
            found.append(statement)
        return await rows_of(self, statement, **values)

    monkeypatch.setattr(Database, "rows_alone", counting)
    return found


async def test_where_many_tenants_wait_one_look_serves_many_claims_and_each_tenant_in_its_turn(
    urls: DatabaseUrls, worker_db: Database, looks: list[Statement]
) -> None:
    tenants = [uuid4() for _ in range(120)]
    await make_due(urls, tenants, each=2)
    ledger = Ledger(worker_db, lease=timedelta(minutes=5), max_attempts=3)
    served = []
    for _ in range(120):
        claim = await ledger.claim_next()
        assert claim is not None
        served.append(claim.tenant_id)
    assert set(served) == set(tenants)
    assert len(looks) < 10


async def test_a_tenant_that_was_paused_since_the_last_look_is_not_served(
    urls: DatabaseUrls, worker_db: Database
) -> None:
    tenants = [uuid4() for _ in range(60)]
    await make_due(urls, tenants, each=1)
    ledger = Ledger(worker_db, lease=timedelta(minutes=5), max_attempts=3)
    first = await ledger.claim_next()
    assert first is not None
    paused = [tenant for tenant in tenants if tenant != first.tenant_id][:58]
    await run_as_superuser(
        urls,
        "insert into gate (tenant_id, cause, closed_until) select id, 'paused', 'infinity' from unnest($1::uuid[]) id",
        paused,
    )
    second = await ledger.claim_next()
    assert second is not None
    assert second.tenant_id not in paused
    assert await ledger.claim_next() is None


async def test_a_large_backlog_is_estimated_from_a_part_of_it(urls: DatabaseUrls, worker_db: Database) -> None:
    await make_due(urls, [uuid4() for _ in range(20)], each=2_500)
    backlog = load("app.db.ledger", "backlog")
    assert pages(await explain(urls.worker, backlog, {})) < 300
    ledger = Ledger(worker_db, lease=timedelta(minutes=5), max_attempts=3)
    told = [(await ledger.backlog()).waiting for _ in range(5)]
    assert sum(told) / 5 == pytest.approx(50_000, rel=0.25)


async def test_one_that_is_due_among_many_that_wait_is_told(urls: DatabaseUrls, worker_db: Database) -> None:
    """Else the relay would not ring for it."""
    await make_due(urls, [uuid4()], each=50_000, after=timedelta(hours=1))
    await make_due(urls, [uuid4()], each=1, fresh=False)
    ledger = Ledger(worker_db, lease=timedelta(minutes=5), max_attempts=3)
    told = {(await ledger.backlog()).waiting for _ in range(20)}
    assert 0 not in told
    assert min(told) == 1


FENCED = (
    *("begin_posting", "begin_storm_note", "extend", "fail_unclaimed", "give_back", "save", "settle"),
    *("settle_posted", "settle_shadowed"),
)


@pytest.mark.parametrize("name", FENCED)
async def test_an_attempt_finds_its_delivery_by_the_key(urls: DatabaseUrls, name: str) -> None:
    """Not by its status, though few are in work: what was, and is settled, stays in that index until it is vacuumed."""
    tenant_id = uuid4()
    await run_as_superuser(
        urls,
        "insert into delivery (tenant_id, job_id, ticket_id, event, body, status)"
        " select $1, gen_random_uuid(), n::text, 'ticket_created', '{}', 'done' from generate_series(1, 5000) n",
        tenant_id,
    )
    await run_as_superuser(urls, "analyze delivery")
    plans = await plans_within(urls.superuser, load("app.db.ledger", name))
    every = [node for plan in plans for node in nodes(plan)]
    used = {node.get("Index Name") for node in every if node.get("Relation Name") == "delivery"}
    assert used - {None} == {"delivery_pkey"}
