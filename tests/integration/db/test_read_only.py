"""After a failover, or where a full disk was enlarged: connections that take no writes are not kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from app.db.ledger.intake import AcceptedDelivery, Intake, open_intake
from app.db.session import Database, open_database
from app.db.sql import numbered
from app.errors import DatabaseUnavailable
from demo.embedded import DatabaseUrls

_ADD = "insert into access_token (tenant_id) values (:tenant_id)"

Use = Callable[[Intake, Database], Awaitable[object]]


async def accept(intake: Intake, _: Database) -> None:
    await intake.accept(AcceptedDelivery(uuid4(), uuid4(), "1", "ticket_created", b"{}", None))


async def vote(intake: Intake, _: Database) -> None:
    await intake.record_feedback(uuid4(), uuid4(), is_helpful=True, comment="")


async def look(intake: Intake, _: Database) -> None:
    await intake.state()


async def write(_: Intake, database: Database) -> None:
    tenant_id = uuid4()
    async with database.transaction(tenant_id) as tx:
        await tx.run(numbered(_ADD), tenant_id=tenant_id)


async def write_by_sqlalchemy(_: Intake, database: Database) -> None:
    tenant_id = uuid4()
    async with database.as_tenant(tenant_id) as session:
        await session.execute(text(_ADD), {"tenant_id": tenant_id})


@pytest.mark.parametrize("use", [accept, vote, look, write, write_by_sqlalchemy])
async def test_a_connection_that_takes_no_writes_is_replaced(urls: DatabaseUrls, use: Use) -> None:
    """A session's own `default_transaction_read_only` stays as a standby stays one: until the connection ends."""
    superuser = await asyncpg.connect(urls.superuser)
    database_name = await superuser.fetchval("select current_database()")
    try:
        async with (
            open_intake(urls.intake, connections=2) as intake,
            open_database(urls.worker, pool_size=2) as database,
        ):
            await superuser.execute(f'alter database "{database_name}" set default_transaction_read_only = on')
            with pytest.raises(DatabaseUnavailable):
                await use(intake, database)
            await superuser.execute("set default_transaction_read_only = off")
            await superuser.execute(f'alter database "{database_name}" reset default_transaction_read_only')
            await use(intake, database)
    finally:
        await superuser.execute("set default_transaction_read_only = off")
        await superuser.execute(f'alter database "{database_name}" reset default_transaction_read_only')
        await superuser.close()
