"""A tenant that is erased is gone from every table and from Redis, and no other tenant is touched."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from app.cli.tenants import _erase
from app.core.delivery import Status
from app.core.tenant import EVERY_TENANT
from app.db.erasure import erase_rows
from app.db.ledger.claims import Ledger
from app.db.ledger.intake import AcceptedDelivery, open_intake
from app.db.reports.audit import list_acts
from app.db.session import Database
from app.errors import QueueUnavailable, Rejected
from app.queue import STREAM, RingBroker, erase_rings, open_queue
from app.settings import EraseSettings
from demo.embedded import DatabaseUrls, ValkeyServer
from tests.builders import an_outcome
from tests.integration.database_rows import fill_every_table, find_tables, insert_into


async def rows(connection: asyncpg.Connection, tables: list[str], tenant_id: UUID) -> dict[str, int]:
    return {
        table: await connection.fetchval(f"select count(*) from {table} where tenant_id = $1", tenant_id)
        for table in tables
    }


async def test_every_table_loses_the_tenants_rows_and_keeps_the_others(
    superuser: asyncpg.Connection, urls: DatabaseUrls, valkey: ValkeyServer, worker_db: Database
) -> None:
    gone, kept = uuid4(), uuid4()
    tables = await fill_every_table(superuser, gone, kept)
    async with Redis.from_url(valkey.url) as redis, open_queue(RingBroker(valkey.url)) as queue:
        await redis.delete(STREAM)
        for tenant_id in (gone, kept, gone):
            assert await queue.offer(tenant_id, uuid4())

        report = await erase_rows(urls.owner, gone, actor="ines")

        assert report.left == {}
        assert report.erased.keys() == set(tables)
        assert await erase_rings(valkey.url, gone) == 2
        assert await redis.xlen(STREAM) == 1
        await redis.delete(STREAM)
    [act] = [act for act in await list_acts(worker_db, [EVERY_TENANT], limit=10) if str(gone) in act.detail]
    assert (act.actor, act.act, act.number) == ("ines", "erase", len(tables))
    assert set((await rows(superuser, tables, gone)).values()) == {0}
    assert set((await rows(superuser, tables, kept)).values()) == {1}


@pytest.mark.parametrize("batch", [1, 2, 3])
async def test_no_row_is_left_between_batches(superuser: asyncpg.Connection, urls: DatabaseUrls, batch: int) -> None:
    """Of each kind of key: uuids, text, numbers, times, addresses."""
    gone, kept = uuid4(), uuid4()
    tables = await fill_every_table(superuser, gone, kept)
    for name, columns in (await find_tables(superuser)).items():
        for _ in range(5 if name in tables else 0):
            for tenant_id in (gone, kept):
                await superuser.execute(f"{insert_into(name, columns, tenant_id)} on conflict do nothing")
    before, others = await rows(superuser, tables, gone), await rows(superuser, tables, kept)
    assert len([name for name, number in before.items() if number == 6]) > len(tables) / 2

    erased = await erase_rows(urls.owner, gone, actor="ines", batch=batch)

    assert erased.erased == before
    assert set((await rows(superuser, tables, gone)).values()) == {0}
    assert await rows(superuser, tables, kept) == others


async def test_a_table_that_this_release_does_not_know_is_emptied_too(
    superuser: asyncpg.Connection, urls: DatabaseUrls
) -> None:
    """So it is after a rollback."""
    gone, kept = uuid4(), uuid4()
    await superuser.execute('create table "New ""table" (tenant_id uuid, number int, primary key (tenant_id, number))')
    await superuser.execute('alter table "New ""table" owner to ai_agents_owner')
    try:
        await superuser.execute('insert into "New ""table" values ($1, 1), ($2, 1)', gone, kept)
        assert (await erase_rows(urls.owner, gone, actor="ines")).erased == {'New "table': 1}
        assert await superuser.fetchval('select tenant_id from "New ""table"') == kept
    finally:
        await superuser.execute('drop table "New ""table"')


async def test_erasing_twice_finds_nothing_the_second_time(urls: DatabaseUrls, valkey: ValkeyServer) -> None:
    tenant_id = uuid4()
    for _ in range(2):
        report = await erase_rows(urls.owner, tenant_id, actor="ines")
    assert (report.erased, report.left) == ({}, {})
    assert await erase_rings(valkey.url, tenant_id) == 0


async def test_work_that_runs_may_end_first_and_nothing_more_is_begun(
    superuser: asyncpg.Connection, urls: DatabaseUrls, worker_db: Database
) -> None:
    tenant_id = uuid4()
    ledger = Ledger(worker_db, lease=timedelta(seconds=30), max_attempts=3)
    async with open_intake(urls.intake) as intake:
        for _ in range(2):
            await intake.accept(AcceptedDelivery(tenant_id, uuid4(), "1", "ticket_created", b"{}", None))
    held = await ledger.claim_next()
    assert held is not None

    with pytest.raises(Rejected, match="workers still hold"):
        await erase_rows(urls.owner, tenant_id, actor="ines", patience=timedelta(0))
    assert (await rows(superuser, ["delivery"], tenant_id))["delivery"] == 2
    assert await ledger.claim_next() is None

    erasing = asyncio.create_task(erase_rows(urls.owner, tenant_id, actor="ines"))
    await asyncio.sleep(0.2)
    await ledger.conclude(held, an_outcome(Status.IGNORED))
    assert (await erasing).left == {}


async def test_a_redis_that_is_out_is_told_and_the_rows_are_gone_all_the_same(
    superuser: asyncpg.Connection, urls: DatabaseUrls
) -> None:
    tenant_id = uuid4()
    tables = await fill_every_table(superuser, tenant_id)
    settings = {"migration_database_url": urls.owner, "redis_url": "redis://127.0.0.1:1/0"}
    with pytest.raises(QueueUnavailable):
        await _erase(EraseSettings.model_validate(settings), tenant_id)
    assert set((await rows(superuser, tables, tenant_id)).values()) == {0}


@pytest.mark.parametrize("role", ["intake", "worker"])
async def test_a_role_of_the_application_erases_nothing(
    superuser: asyncpg.Connection, urls: DatabaseUrls, role: str
) -> None:
    tenant_id = uuid4()
    tables = await fill_every_table(superuser, tenant_id)
    with pytest.raises(Rejected, match="not the owner's"):
        await erase_rows(getattr(urls, role), tenant_id, actor="ines")
    assert set((await rows(superuser, tables, tenant_id)).values()) == {1}


async def test_what_was_done_to_all_is_no_tenants_to_erase(urls: DatabaseUrls) -> None:
    with pytest.raises(Rejected, match="no tenant's id"):
        await erase_rows(urls.owner, EVERY_TENANT, actor="ines")
