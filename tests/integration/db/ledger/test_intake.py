"""The API's way into the ledger under trouble that redeliveries make."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.db.ledger.intake import AcceptedDelivery, Intake, open_intake
from app.errors import DatabaseUnavailable
from demo.embedded import DatabaseUrls, PostgresServer
from tests.connections import connected


async def test_two_processes_that_are_sent_the_same_deliveries_do_not_wait_for_each_other(urls: DatabaseUrls) -> None:
    """After a pause of PostgreSQL each API has a batch of what its senders repeat: the same, in another order."""
    tenant_id, jobs = uuid4(), [uuid4() for _ in range(20)]
    async with connected(urls.superuser) as locker:
        async with open_intake(urls.intake, connections=2) as one, open_intake(urls.intake, connections=2) as other:
            await locker.execute("begin; lock table due in exclusive mode")
            accepting = [
                asyncio.create_task(accept_all(one, tenant_id, jobs)),
                asyncio.create_task(accept_all(other, tenant_id, jobs[::-1])),
            ]
            # Each has its first row by now, and waits in the middle of its batch.
            while await locker.fetchval("select count(*) from pg_locks where not granted and relation is not null") < 1:
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)
            await locker.execute("rollback")
            await asyncio.wait_for(asyncio.gather(*accepting), 5)
        stored = await locker.fetchval("select count(*) from delivery where tenant_id = $1", tenant_id)
    assert stored == len(jobs)


async def test_a_batch_stores_each_delivery_once_whatever_order_its_tenants_have(urls: DatabaseUrls) -> None:
    one, other = uuid4(), uuid4()
    known, twice, new, last = (uuid4() for _ in range(4))
    rows = [(one, twice), (other, new), (one, twice), (one, known), (other, last), (other, new)]
    intake, owner = await asyncpg.connect(urls.intake), await asyncpg.connect(urls.superuser)
    statement = "select accept_deliveries($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[])"

    async def accept(rows: Sequence[tuple[UUID, UUID]]) -> list[str | None]:
        tenants, jobs = [tenant for tenant, _ in rows], [job for _, job in rows]
        tickets, events = [str(number) for number in range(len(rows))], ["ticket_created"] * len(rows)
        values = (tenants, jobs, tickets, events, [b"{}"] * len(rows), [None] * len(rows))
        told: list[str | None] = await intake.fetchval(statement, *values)
        return told

    assert await accept([(one, known)]) == [None]
    await owner.execute("delete from due where job_id = $1", known)  # it is settled
    assert await accept(rows) == [None] * len(rows)
    assert await accept([]) == []
    stored = await owner.fetch("select tenant_id, job_id from delivery where tenant_id = any($1)", [one, other])
    due = await owner.fetch("select tenant_id, job_id from due where tenant_id = any($1)", [one, other])
    await intake.close()
    await owner.close()
    assert sorted(map(tuple, stored)) == sorted({*rows, (one, known)})
    assert sorted(map(tuple, due)) == sorted({(one, twice), (other, new), (other, last)})


async def test_the_revision_is_the_one_that_alembic_keeps(urls: DatabaseUrls) -> None:
    owner = await asyncpg.connect(urls.owner)
    revision = await owner.fetchval("select version_num from alembic_version")
    try:
        async with open_intake(urls.intake) as intake:
            assert (await intake.state()).schema == revision
            await owner.execute("update alembic_version set version_num = '2099_01_01_0000'")
            assert (await intake.state()).schema == "2099_01_01_0000"
    finally:
        await owner.execute("update alembic_version set version_num = $1", revision)
        await owner.close()


async def test_deliveries_are_taken_with_the_schema_of_the_release_before(postgres: PostgresServer) -> None:
    """So it is after a restore, until `migrate` has run."""
    await postgres.create_database("restored", template="migrated")
    urls = await postgres.create_roles("restored")
    owner = await asyncpg.connect(urls.owner)
    try:
        await owner.execute("drop function schema_revision")
        async with open_intake(urls.intake) as intake:
            assert (await intake.state()).schema is None
            await accept_all(intake, uuid4(), [uuid4()])
    finally:
        await owner.close()
        await postgres.drop_database("restored")


async def test_a_database_without_a_schema_is_told_with_the_remedy(postgres: PostgresServer) -> None:
    await postgres.create_database("bare")
    urls = await postgres.create_roles("bare")
    try:
        async with open_intake(urls.intake) as intake:
            with pytest.raises(DatabaseUnavailable, match="run `ai-agents migrate`"):
                await intake.state()
    finally:
        await postgres.drop_database("bare")


async def accept_all(intake: Intake, tenant_id: UUID, jobs: Sequence[UUID]) -> None:
    """In one batch: all are there before the writer begins."""
    await asyncio.gather(
        *(
            intake.accept(AcceptedDelivery(tenant_id, job_id, "100234", "ticket_created", b"{}", None))
            for job_id in jobs
        )
    )
