"""What it costs to index the tickets of a tenant that PostgreSQL's statistics don't know yet."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import asyncpg
from sqlalchemy import text

from app.db.knowledge.documents import TICKETS
from app.db.knowledge.store import drop_stored, upsert_tickets
from app.db.session import Database
from tests.builders import a_tenant, a_ticket

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
_FILL = """
insert into ticket (tenant_id, id, display_id, subject, description, requester, category, status, priority, resolution)
select $1, n::text, '', 'subject ' || n, repeat('word ', 60), 'person' || n % 200, '', '', '', 'done'
from generate_series(1, 20000) n
"""
_FETCHED = "select idx_tup_fetch from pg_stat_user_tables where relname = 'ticket'"


async def test_a_tenant_that_came_after_postgresql_last_counted_is_indexed_as_fast(
    worker_db: Database, superuser: asyncpg.Connection
) -> None:
    tenant = a_tenant()
    await superuser.execute(_FILL, a_tenant().id)
    await superuser.execute("analyze ticket")
    before = await superuser.fetchval(_FETCHED)
    for start in range(0, 1_000, 100):
        tickets = [
            a_ticket(id=str(number), resolution="Restart it.", resolved_at=NOW) for number in range(start, start + 100)
        ]
        async with worker_db.as_tenant(tenant.id) as session:
            await upsert_tickets(session, tenant.id, tickets, language="en")
    await asyncio.sleep(1.2)  # PostgreSQL tells what was read once a second
    async with worker_db.as_tenant(tenant.id) as session:
        await upsert_tickets(session, tenant.id, [], language="en")
    await superuser.execute("select pg_stat_clear_snapshot()")
    assert await superuser.fetchval(_FETCHED) - before < 60_000  # 561,000 where each was looked up among all


async def test_a_ticket_that_is_gone_costs_its_own_terms_however_many_others_there_are(worker_db: Database) -> None:
    tenant = a_tenant()
    words = [" ".join(f"{part}{number}" for part in ("printer", "jam", "toner", "tray")) for number in range(2_000)]
    tickets = [
        a_ticket(id=str(number), description=each, resolution="Restart it.", resolved_at=NOW)
        for number, each in enumerate([*words, "scanner lamp"])
    ]
    async with worker_db.as_tenant(tenant.id) as session:
        await upsert_tickets(session, tenant.id, tickets, language="en")
    read = text("select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'term'")
    async with worker_db.as_tenant(tenant.id) as session:
        await drop_stored(session, tenant.id, TICKETS, ["2000"], language="en")
        assert (await session.execute(read)).scalar_one() < 100
        left = await session.execute(text("select term from term where term in ('scanner', 'lamp')"))
        assert left.all() == []
