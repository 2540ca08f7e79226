"""Deletion of deliveries older than 90 days, with millions of rows: `make bench-retention` (ROWS=5000000).

Fills `delivery` and `enhancement` over 100 days, so that a tenth is too old; deletes it as a worker does, while
webhooks are accepted; then adds and deletes a day's rows five times, to see whether the tables grow. Prints how long
it took, the times of the answers to webhooks meanwhile, and the sizes.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import structlog

from app.db.ledger.intake import AcceptedDelivery, Intake, open_intake
from app.db.migrate import migrate
from app.db.session import open_database
from app.tenants import TenantDirectory
from app.worker.retention import forget_old
from demo.embedded import open_postgres
from demo.run_folder import open_run_folder
from tests.builders import a_tenant, write_tenant

TENANTS = 20
DAYS = 100
TABLES = ("delivery", "enhancement")
FILL = {
    "delivery": """
insert into delivery (tenant_id, job_id, ticket_id, event, body, status, accepted_at, settled_at)
select ($1::uuid[])[1 + n % cardinality($1)], md5($2 || n)::uuid, n::text, 'ticket_created',
    convert_to('{"event": "ticket_created", "ticket_id": "' || n || '", "description": "'
        || repeat('No mail since noon. ', 12) || '"}', 'UTF8'),
    'done', at, at + interval '20 s'
from (select n, now() - make_interval(secs => $3 + ($4 - n) * $5::float8) as at from generate_series(1, $4::int) n) rows
""",
    "enhancement": """
insert into enhancement
    (tenant_id, ticket_id, version, job_id, reserved_at, content, model, prompt_tokens, note_id, posted_at)
select ($1::uuid[])[1 + n % cardinality($1)], $2 || n, 'v1', md5($2 || n)::uuid, at,
    jsonb_build_object('summary', repeat('A similar ticket was solved. ', 10)), 'offline', 900, n::text, at
from (select n, now() - make_interval(secs => $3 + ($4 - n) * $5::float8) as at from generate_series(1, $4::int) n) rows
""",
}


async def main(rows: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    checkout = Path(__file__).parents[1]
    with open_run_folder(checkout / ".demo") as folder, tempfile.TemporaryDirectory(dir=folder.path) as name:
        tenants = [a_tenant(f"t{number}") for number in range(TENANTS)]
        for tenant in tenants:
            write_tenant(Path(name), tenant, webhook_secret="secret", api_key="key")
        directory = TenantDirectory(Path(name) / "files", Path(name) / "secrets")
        directory.refresh()
        async with open_postgres(folder) as postgres:
            await postgres.create_database("bench")
            urls = await postgres.create_roles("bench")
            await migrate(urls.owner, tell=lambda _: None)
            admin = await asyncpg.connect(urls.superuser)
            ids = [tenant.id for tenant in tenants]
            started = time.monotonic()
            await fill(admin, ids, rows=rows, youngest_s=0, span_s=DAYS * 86_400)
            await admin.execute("vacuum analyze")
            print(
                f"filled with {rows:,} of each in {time.monotonic() - started:.0f} s: {await sizes(admin)}", flush=True
            )
            async with open_database(urls.worker) as database, open_intake(urls.intake) as intake:
                print(f"acknowledgement, nothing else going on: {await acknowledge(intake, ids[0], seconds=10)}")
                before = await count(admin)
                started = time.monotonic()
                forgetting = asyncio.create_task(forget_old(database, directory))
                told = await acknowledge(intake, ids[0], until=forgetting)
                seconds = time.monotonic() - started
                gone = {table: before[table] - after for table, after in (await count(admin)).items()}
                print(
                    f"forgot {gone['delivery']:,} deliveries (less what came in) and {gone['enhancement']:,} "
                    f"enhancements in {seconds:.0f} s; acknowledgement meanwhile: {told}",
                    flush=True,
                )
                print(f"after autovacuum: {await vacuumed(admin)}", flush=True)
                for day in range(1, 6):
                    await fill(admin, ids, rows=rows // DAYS, youngest_s=91 * 86_400, span_s=86_400)
                    await forget_old(database, directory)
                    print(f"day {day}, {rows // DAYS:,} in and out: {await vacuumed(admin)}", flush=True)
            await admin.close()


async def fill(admin: Any, tenants: list[UUID], *, rows: int, youngest_s: int, span_s: int) -> None:
    for table in TABLES:
        await admin.execute(FILL[table], tenants, uuid4().hex, youngest_s, rows, span_s / rows)


async def acknowledge(
    intake: Intake, tenant_id: UUID, *, seconds: float = 0, until: asyncio.Task[None] | None = None
) -> str:
    """Accept 50 deliveries a second meanwhile. Returns how long each took."""
    took = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or (until is not None and not until.done()):
        started = time.monotonic()
        await intake.accept(AcceptedDelivery(tenant_id, uuid4(), "1", "ticket_created", b"{}", None))
        took.append(time.monotonic() - started)
        await asyncio.sleep(max(0.02 - took[-1], 0))
    cuts = statistics.quantiles(took, n=100)
    return f"{len(took):,} accepted, p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms"


async def count(admin: Any) -> dict[str, int]:
    return {table: await admin.fetchval(f"select count(*) from {table}") for table in TABLES}  # noqa: S608 - ours


async def sizes(admin: Any) -> str:
    told = []
    for table in TABLES:
        heap, indexes, dead = await admin.fetchrow(
            "select pg_relation_size(relid), pg_indexes_size(relid), n_dead_tup from pg_stat_user_tables"
            " where relname = $1",
            table,
        )
        told.append(f"{table} {heap / 2**20:,.0f} MB + indexes {indexes / 2**20:,.0f} MB, {dead:,} dead rows")
    return "; ".join(told)


async def vacuumed(admin: Any) -> str:
    """The sizes after autovacuum has run, or after two minutes."""
    for _ in range(24):
        await admin.execute("select pg_stat_force_next_flush()")
        left = await admin.fetchval(
            "select coalesce(sum(n_dead_tup), 0) from pg_stat_user_tables where relname = any($1)", TABLES
        )
        if left < 1000:
            break
        await asyncio.sleep(5)
    return await sizes(admin)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000))
