"""Transactions of the driver: what becomes of their connection, and one that several readers share."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.db import connection
from app.db.session import Database, SharedTransaction, open_database
from app.db.sql import numbered
from app.errors import DatabaseUnavailable
from demo.embedded import DatabaseUrls
from tests.integration.superuser import run_as_superuser

_TENANT = numbered("select current_setting('app.tenant_id')")
_ADD = numbered("insert into access_token (tenant_id) values (:tenant_id)")
_TOKENS = numbered("select count(*) from access_token where tenant_id = :tenant_id")
_PROCESS = numbered("select pg_backend_pid()")
_SLEEP = numbered("select pg_sleep(30)")
_FAIL = numbered("select 1 / 0")


async def tokens(database: Database, tenant_id: UUID) -> int:
    async with database.transaction(tenant_id) as tx:
        return int(await tx.value(_TOKENS, tenant_id=tenant_id))


async def add_and_fail(database: Database, tenant_id: UUID) -> None:
    async with database.transaction(tenant_id) as tx:
        await tx.row(_ADD, tenant_id=tenant_id)
        raise ValueError("ours")


async def lose_the_connection(database: Database, urls: DatabaseUrls) -> None:
    async with database.transaction(None) as tx:
        await run_as_superuser(urls, f"select pg_terminate_backend({int(await tx.value(_PROCESS))})")
        await tx.value(_PROCESS)


async def test_an_error_in_the_block_undoes_what_was_written_and_the_connection_is_used_again(
    urls: DatabaseUrls,
) -> None:
    async with open_database(urls.worker, pool_size=1) as database:
        tenant_id = uuid4()
        with pytest.raises(ValueError, match="ours"):
            await add_and_fail(database, tenant_id)
        assert await tokens(database, tenant_id) == 0
        async with database.transaction(tenant_id) as tx:
            await tx.row(_ADD, tenant_id=tenant_id)
        assert await tokens(database, tenant_id) == 1


async def test_a_cancelled_transaction_leaves_no_tenant_and_no_lock_behind(urls: DatabaseUrls) -> None:
    async with open_database(urls.worker, pool_size=1) as database:
        tenant_id = uuid4()

        async def hang() -> None:
            async with database.transaction(tenant_id) as tx:
                await tx.row(_ADD, tenant_id=tenant_id)
                await tx.row(_SLEEP)

        hanging = asyncio.create_task(hang())
        await asyncio.sleep(0.3)
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        async with database.transaction(None) as tx:
            assert await tx.value(_TENANT) == ""
        assert await tokens(database, tenant_id) == 0


async def test_a_connection_that_broke_unused_costs_nothing(urls: DatabaseUrls) -> None:
    async with open_database(urls.worker, pool_size=1) as database:
        async with database.transaction(None) as tx:
            process = await tx.value(_PROCESS)
        await run_as_superuser(urls, f"select pg_terminate_backend({int(process)})")
        await asyncio.sleep(0.2)
        async with database.transaction(None) as tx:
            assert await tx.value(_PROCESS) != process


async def test_a_statement_alone_goes_to_a_second_connection_where_the_first_is_broken(urls: DatabaseUrls) -> None:
    async with open_database(urls.worker, pool_size=1) as database:
        process = await database.value_alone(_PROCESS)
        await run_as_superuser(urls, f"select pg_terminate_backend({int(process)})")
        await asyncio.sleep(0.2)
        assert await database.value_alone(_PROCESS) != process


async def test_a_statement_alone_that_fails_leaves_its_place_to_the_next_one(urls: DatabaseUrls) -> None:
    async with open_database(urls.worker, pool_size=1) as database:
        with pytest.raises(asyncpg.DivisionByZeroError):
            await database.value_alone(numbered("select 1 / 0"))
        with pytest.raises(DatabaseUnavailable):
            await database.value_alone(numbered("select pg_terminate_backend(pg_backend_pid())"))
        assert await database.value_alone(_PROCESS)


async def test_a_connection_that_breaks_in_use_is_the_databases_fault_and_the_next_one_works(
    urls: DatabaseUrls,
) -> None:
    async with open_database(urls.worker, pool_size=1) as database:
        with pytest.raises(DatabaseUnavailable):
            await lose_the_connection(database, urls)
        assert await tokens(database, uuid4()) == 0


async def test_readers_that_share_a_transaction_take_turns_in_one(urls: DatabaseUrls) -> None:
    async with open_database(urls.worker, pool_size=1) as database:
        tenant_id = uuid4()

        async def read(reading: SharedTransaction) -> tuple[str, int]:
            async with reading.transaction(tenant_id) as tx:
                return await tx.value(_TENANT), await tx.value(_PROCESS)

        async with SharedTransaction(database) as reading:
            found = await asyncio.gather(*(read(reading) for _ in range(4)))
        assert len(set(found)) == 1
        assert found[0][0] == tenant_id.hex
        async with database.transaction(None) as tx:  # its only connection is free again
            assert await tx.value(_TENANT) == ""


async def test_what_fails_in_a_shared_transaction_fails_what_follows_and_no_more(urls: DatabaseUrls) -> None:
    tenant_id = uuid4()
    async with open_database(urls.worker, pool_size=1) as database:
        async with SharedTransaction(database) as reading:
            with pytest.raises(asyncpg.DivisionByZeroError):
                async with reading.transaction(tenant_id) as tx:
                    await tx.value(_FAIL)
            with pytest.raises(asyncpg.InFailedSQLTransactionError):
                async with reading.transaction(tenant_id) as tx:
                    await tx.value(_PROCESS)
        assert await tokens(database, uuid4()) == 0


async def read_for(reading: SharedTransaction, tenant_id: UUID) -> str:
    async with reading.transaction(tenant_id) as tx:
        return str(await tx.value(_TENANT))


async def test_a_shared_transaction_shows_no_other_tenants_rows(urls: DatabaseUrls) -> None:
    async with open_database(urls.worker, pool_size=1) as database, SharedTransaction(database) as reading:
        first, other = uuid4(), uuid4()
        assert await read_for(reading, first) == first.hex
        with pytest.raises(ValueError, match="another tenant"):
            await read_for(reading, other)
        assert await read_for(reading, first) == first.hex


async def test_a_shared_transaction_that_nobody_used_asks_nothing() -> None:
    async with open_database("postgresql://nobody@127.0.0.1:1/none") as database, SharedTransaction(database):
        pass


async def test_a_connection_that_is_cut_at_any_moment_is_the_databases_fault(urls: DatabaseUrls) -> None:
    """Also where the driver only notices in the middle of the next statement: then it raises an error of its own."""
    failures: set[str] = set()
    async with open_database(urls.worker, pool_size=1) as database:
        for number in range(60):
            try:
                async with database.transaction(None) as tx:
                    process = int(await tx.value(_PROCESS))
                    cut = asyncio.create_task(run_as_superuser(urls, f"select pg_terminate_backend({process})"))
                    for _ in range(number % 4):
                        await asyncio.sleep(0.002)
                    time.sleep(0.002 * (number % 5))  # noqa: ASYNC251 - what the server sends waits meanwhile
                    for _ in range(20):
                        await tx.value(_PROCESS)
            except Exception as error:  # noqa: BLE001 - which one is what is tested
                failures.add(type(error).__name__)
            await cut
    assert failures == {"DatabaseUnavailable"}


async def test_only_a_forgettable_transaction_does_not_wait_for_the_disk(urls: DatabaseUrls) -> None:
    # The servers of tests never wait for it, so where the setting is from tells.
    statement = numbered("select source || ' ' || setting from pg_settings where name = 'synchronous_commit'")
    async with open_database(urls.worker, pool_size=1) as database:
        async with database.transaction(None, is_forgettable=True) as tx:
            assert await tx.value(statement) == "session off"
        async with database.transaction(None) as tx:
            assert not str(await tx.value(statement)).startswith("session")


async def test_what_arrays_of_numbers_are_is_asked_on_the_first_connection_alone(
    urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    ask = getattr(asyncpg.Connection, "_introspect_types")  # noqa: B009 - not public

    async def count(self: Any, *values: Any) -> Any:
        asked.append(values)
        return await ask(self, *values)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", count)
    monkeypatch.setattr(connection, "_own_types", {})
    for _ in range(2):
        async with open_database(urls.worker, pool_size=1) as database, database.transaction(None) as tx:
            assert await tx.value(numbered("select cast(:numbers as float8[])"), numbers=[1.5]) == [1.5]
    assert len(asked) == 1
