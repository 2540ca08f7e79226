"""What is 90 days old and settled is forgotten; nothing else is, and by nobody else."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db.ledger import retention
from app.db.ledger.retention import add_up_hours, forget_batch
from app.db.session import Database
from demo.embedded import DatabaseUrls
from tests.connections import connected
from tests.integration.nobody import run_as_nobody

OLD, YOUNG = timedelta(days=91), timedelta(days=89)


async def add(connection: asyncpg.Connection, tenant_id: UUID, *, age: timedelta, status: str = "done") -> UUID:
    """A delivery and its enhancement, as old as *age*."""
    job_id = uuid4()
    is_settled = status in {"done", "failed", "ignored"}
    await connection.execute(
        "insert into delivery (tenant_id, job_id, ticket_id, event, body, status, accepted_at, settled_at)"
        " values ($1, $2, $3, 'ticket_created', '', $4, now() - $5::interval, case when $6 then now() - $5::interval end)",
        tenant_id,
        job_id,
        str(job_id),
        status,
        age,
        is_settled,
    )
    await connection.execute(
        "insert into enhancement (tenant_id, ticket_id, version, job_id, reserved_at)"
        " values ($1, $2, '1', $3, now() - $4::interval)",
        tenant_id,
        str(job_id),
        job_id,
        age,
    )
    if not is_settled:
        await connection.execute("insert into due (tenant_id, job_id) values ($1, $2)", tenant_id, job_id)
    if status == "failed":
        await connection.execute("insert into dead (tenant_id, job_id) values ($1, $2)", tenant_id, job_id)
    return job_id


async def jobs(connection: asyncpg.Connection, table: str, tenant_id: UUID) -> set[UUID]:
    return {
        row["job_id"] for row in await connection.fetch(f"select job_id from {table} where tenant_id = $1", tenant_id)
    }


async def test_only_what_is_old_and_settled_is_forgotten_and_of_one_tenant_alone(
    superuser: asyncpg.Connection, worker_db: Database
) -> None:
    mine, theirs = uuid4(), uuid4()
    for status in ("done", "ignored", "failed"):
        await add(superuser, mine, age=OLD, status=status)
    kept = {
        await add(superuser, mine, age=YOUNG),
        await add(superuser, mine, age=OLD, status="pending"),
        await add(superuser, mine, age=OLD, status="processing"),
    }
    foreign = await add(superuser, theirs, age=OLD)

    forgotten = await forget_batch(worker_db, mine)

    assert forgotten is not None
    assert (forgotten.deliveries, forgotten.enhancements, forgotten.may_be_more) == (3, 3, False)
    assert await jobs(superuser, "delivery", mine) == kept
    assert await jobs(superuser, "enhancement", mine) == kept
    assert await jobs(superuser, "dead", mine) == set()
    for table in ("delivery", "enhancement"):
        assert await jobs(superuser, table, theirs) == {foreign}


async def test_a_batch_takes_no_more_than_its_size_and_the_oldest_first(
    superuser: asyncpg.Connection, worker_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    tenant_id = uuid4()
    newest = await add(superuser, tenant_id, age=OLD)
    for days in (1, 2):
        await add(superuser, tenant_id, age=OLD + timedelta(days=days))

    first = await forget_batch(worker_db, tenant_id)
    assert first is not None
    assert first.may_be_more
    assert await jobs(superuser, "delivery", tenant_id) == {newest}
    second = await forget_batch(worker_db, tenant_id)
    assert second is not None
    assert not second.may_be_more


async def test_a_delivery_that_was_settled_today_is_kept_however_old_it_is(
    superuser: asyncpg.Connection, worker_db: Database
) -> None:
    tenant_id = uuid4()
    job_id = await add(superuser, tenant_id, age=OLD)
    await superuser.execute("update delivery set settled_at = now() where job_id = $1", job_id)

    await forget_batch(worker_db, tenant_id)

    assert await jobs(superuser, "delivery", tenant_id) == {job_id}


async def test_a_worker_can_delete_no_delivery_itself(worker_db: Database) -> None:
    for table in ("delivery", "enhancement"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with worker_db.as_tenant(uuid4()) as session:
                await session.execute(text(f"delete from {table}"))


async def test_with_no_tenant_set_nothing_is_forgotten(superuser: asyncpg.Connection, worker_db: Database) -> None:
    tenant_id = uuid4()
    job_id = await add(superuser, tenant_id, age=OLD)
    await run_as_nobody(worker_db, "select forget_settled(100)")

    assert await jobs(superuser, "delivery", tenant_id) == {job_id}


async def test_while_one_worker_forgets_another_does_not(urls: DatabaseUrls, worker_db: Database) -> None:
    async with connected(urls.worker) as other, other.transaction():
        assert await other.fetchval("select pg_try_advisory_xact_lock(7203004)")
        assert await forget_batch(worker_db, uuid4()) is None
    assert await forget_batch(worker_db, uuid4()) is not None


async def test_the_hours_of_a_day_that_is_over_become_one_row(
    superuser: asyncpg.Connection, worker_db: Database
) -> None:
    """The sums of each day and model stay, also where it is done again and more was counted since."""
    tenant_id, other = uuid4(), uuid4()
    hours = (
        "insert into tally (tenant_id, hour, model, notes, prompt_tokens, cost_usd)"
        " select $1, hour, model, 1, 10, 0.5 from generate_series(date_trunc('hour', now()) - interval '70 hours',"
        " date_trunc('hour', now()), interval '1 hour') hour, unnest(array['', 'a-model']) model on conflict do nothing"
    )
    days = (
        "select (hour at time zone 'utc')::date as day, model, sum(notes) as notes, sum(prompt_tokens) as tokens,"
        " sum(cost_usd) filter (where abs(cost_usd) < 1e15) as cost from tally where tenant_id = $1 group by 1, 2 order by 1, 2"
    )
    uncounted = (
        "insert into tally (tenant_id, hour, model, cost_usd) values ($1, now() - interval '60 hours', 'x', 'NaN')"
    )
    at_midnight = (
        "update tally set cost_usd = 'NaN' where tenant_id = $1 and model = ''"
        " and hour = date_trunc('day', now() - interval '24 hours', 'utc') - interval '1 day'"
    )
    for each in (tenant_id, other):
        await superuser.execute(hours, each)
    for uncountable in (uncounted, at_midnight):
        await superuser.execute(uncountable, tenant_id)
    before = [tuple(map(str, row)) for row in await superuser.fetch(days, tenant_id)]
    for _ in range(2):
        await add_up_hours(worker_db, tenant_id)
        assert [tuple(map(str, row)) for row in await superuser.fetch(days, tenant_id)] == before

    old = "hour < date_trunc('day', now() - interval '24 hours', 'utc')"
    left = f"select count(*) from tally where tenant_id = $1 and {old} and model = 'a-model'"
    lately = f"select count(*) from tally where tenant_id = $1 and not {old} and model = 'a-model'"
    assert await superuser.fetchval(left, tenant_id) <= 2
    assert await superuser.fetchval(left, other) > 20
    assert await superuser.fetchval(lately, tenant_id) >= 24

    late = "insert into tally (tenant_id, hour, model, notes) values ($1, now() - interval '60 hours', 'a-model', 7)"
    await superuser.execute(late, tenant_id)
    noted = f"select sum(notes), count(*) from tally where tenant_id = $1 and {old} and model = 'a-model'"
    [with_it] = await superuser.fetch(noted, tenant_id)
    await add_up_hours(worker_db, tenant_id)
    [now] = await superuser.fetch(noted, tenant_id)
    assert (now["sum"], now["count"]) == (with_it["sum"], with_it["count"] - 1)
