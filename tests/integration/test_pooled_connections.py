"""No pooled connection carries a tenant over, seen through a real PgBouncer in transaction and in session mode.

Twenty tenants share three server connections, through the product's own `Database` and `Intake`, while some of their
transactions fail, are cut short or run out of time.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.connection import Pooler
from app.db.each import ask_each, of_each
from app.db.ledger.intake import AcceptedDelivery, open_intake
from app.db.limits.rate import CallRate
from app.db.session import Database, open_database
from app.db.sql import numbered
from app.errors import DatabaseUnavailable
from app.sender import Sender
from app.simulator.helpdesk import HelpDeskSimulator
from app.tenants import KnownTenant, TenantSecrets
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.offline_model import ModelSimulator
from demo.run_folder import RunFolder
from tests.builders import a_tenant
from tests.connections import connected
from tests.integration.pgbouncer import SERVER_CONNECTIONS, PgBouncer, open_pgbouncer
from tests.integration.processes import open_api_process, open_worker_process
from tests.integration.worker.conftest import add_tenant, eventually, fill_ticket_history

TENANTS = [uuid4() for _ in range(20)]
ROUNDS = 15

_WRITE = text(
    "insert into ticket (tenant_id, id, subject, description, requester, category, status, priority, resolution, display_id)"
    " values (:tenant_id, :id, :words, '', '', '', '', '', '', '')"
    " on conflict (tenant_id, id) do update set subject = excluded.subject"
)
_SEEN = text("select tenant_id, subject from ticket")
_OF_EACH = of_each("select tenant_id as owner, subject from ticket where id <> :tenant_id::text")
_SEEN_OF_EACH = numbered(f"select * from {_OF_EACH} found")


@pytest.fixture(scope="module", params=["transaction", "session"])
async def pooler(request: pytest.FixtureRequest, urls: DatabaseUrls, run_folder: RunFolder) -> AsyncIterator[PgBouncer]:
    async with open_pgbouncer(urls, run_folder, pool_mode=request.param) as server:
        yield server


def as_product(pooler: PgBouncer) -> tuple[Pooler, int]:
    """`DATABASE_POOLER` for this mode, and how many connections may be used: a session holds one for its life."""
    return ("transaction", 20) if pooler.mode == "transaction" else ("none", SERVER_CONNECTIONS)


async def write(session: AsyncSession, tenant: UUID) -> None:
    await session.execute(_WRITE, {"tenant_id": tenant, "id": str(random.randrange(5)), "words": str(tenant)})


async def check(session: AsyncSession, tenant: UUID) -> None:
    await asyncio.sleep(random.random() * 0.003)  # another's transaction comes in between
    rows = (await session.execute(_SEEN)).all()
    assert {(row.tenant_id, row.subject) for row in rows} <= {(tenant, str(tenant))}


async def do_write(database: Database, tenant: UUID) -> None:
    async with database.as_tenant(tenant) as session:
        await write(session, tenant)
        await check(session, tenant)


async def do_fail(database: Database, tenant: UUID) -> None:
    with suppress(exc.DBAPIError):
        async with database.as_tenant(tenant) as session:
            await write(session, tenant)
            await session.execute(text("select 1/0"))


async def do_write_for_another(database: Database, tenant: UUID) -> None:
    other = random.choice([each for each in TENANTS if each != tenant])
    with pytest.raises(exc.ProgrammingError, match="row-level security"):
        async with database.as_tenant(tenant) as session:
            await write(session, other)


async def do_run_out_of_time(database: Database, tenant: UUID) -> None:
    async def work() -> None:
        async with database.as_tenant(tenant) as session:
            await write(session, tenant)
            await session.execute(text("set local statement_timeout = 20"))
            await session.execute(text("select pg_sleep(5)"))

    with pytest.raises(DatabaseUnavailable):
        await work()


async def do_get_cancelled(database: Database, tenant: UUID) -> None:
    async def work() -> None:
        async with database.as_tenant(tenant) as session:
            await write(session, tenant)
            await session.execute(text("select pg_sleep(5)"))

    task = asyncio.create_task(work())
    await asyncio.sleep(random.random() * 0.05)
    task.cancel()
    with suppress(asyncio.CancelledError, DatabaseUnavailable):
        await task


async def do_go_from_tenant_to_tenant(database: Database, tenant: UUID) -> None:
    others = [tenant, *random.sample(TENANTS, 5)]
    for row in await ask_each(database, others, _SEEN_OF_EACH, dict):
        assert row["owner"] == row["tenant_id"]
        assert row["subject"] == str(row["tenant_id"])


async def do_without_a_tenant(database: Database, _: UUID) -> None:
    # By the connection that `do_go_from_tenant_to_tenant` uses too.
    async with database.transaction(None, reads_all_times=True) as transaction:
        await asyncio.sleep(random.random() * 0.003)
        assert await transaction.rows(numbered(str(_SEEN))) == []


async def do_take_a_call(database: Database, tenant: UUID) -> None:
    await CallRate(database, a_tenant(id=tenant, servicedesk={"calls_per_minute": 6000})).acquire()


DEEDS: list[tuple[int, Callable[[Database, UUID], Awaitable[None]]]] = [
    (10, do_write),
    (2, do_fail),
    (2, do_write_for_another),
    (1, do_run_out_of_time),
    (1, do_get_cancelled),
    (4, do_go_from_tenant_to_tenant),
    (4, do_without_a_tenant),
    (4, do_take_a_call),
]


async def look_without_a_tenant(url: str) -> None:
    """Code that forgot the tenant, on whatever connection the pool hands it."""
    async with connected(url, statement_cache_size=0) as connection:
        for _ in range(5):
            assert await connection.fetchval("select count(*) from ticket") == 0
            assert await connection.fetchval("select current_setting('app.tenant_id', true)") in {"", None}


async def test_concurrent_tenants_on_few_connections_never_meet(pooler: PgBouncer, urls: DatabaseUrls) -> None:
    mode, pool_size = as_product(pooler)
    # In session mode there is no connection for a third pool.
    possible = DEEDS if pooler.mode == "transaction" else DEEDS[:-1]
    deeds, weights = [deed for _, deed in possible], [weight for weight, _ in possible]
    for _ in range(
        1 if pooler.mode == "transaction" else 5
    ):  # sessions end, and the next begin on the same connections
        async with open_database(pooler.urls.worker, pooler=mode, pool_size=pool_size) as database:

            async def serve(tenant: UUID, database: Database = database) -> None:
                await do_write(database, tenant)  # each at least once
                for deed in random.choices(deeds, weights, k=ROUNDS if pooler.mode == "transaction" else ROUNDS // 5):
                    await deed(database, tenant)

            await asyncio.gather(
                *(serve(tenant) for tenant in TENANTS),
                *(look_without_a_tenant(pooler.urls.worker) for _ in range(3 if pooler.mode == "transaction" else 0)),
            )
        await look_without_a_tenant(pooler.urls.worker)

    async with connected(urls.superuser) as superuser:
        rows = await superuser.fetch("select tenant_id::text, subject from ticket")
        used = await superuser.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and usename = 'ai_agents_worker'"
        )
    assert len({row["tenant_id"] for row in rows}) == len(TENANTS)
    assert [row for row in rows if row["tenant_id"] != row["subject"]] == []
    assert used <= SERVER_CONNECTIONS, "they did share connections"


async def test_a_tenant_that_was_set_for_a_session_shows_nothing_to_the_product(pooler: PgBouncer) -> None:
    """The mistake that a pooler punishes: `set` without `local`. Each transaction of ours says for itself who it is."""
    mode, _ = as_product(pooler)
    tenant = TENANTS[0]
    async with open_database(pooler.urls.worker, pooler=mode, pool_size=1) as database:
        await do_write(database, tenant)
    mistaken = [await asyncpg.connect(pooler.urls.worker, statement_cache_size=0) for _ in range(SERVER_CONNECTIONS)]
    try:
        for connection in mistaken:
            await connection.execute("begin")  # each on a server connection of its own
        for connection in mistaken:
            await connection.execute(f"set app.tenant_id = '{tenant}'")
            assert await connection.fetchval("select count(*) from ticket") > 0
            await connection.execute("commit")
    finally:
        for connection in mistaken:
            await connection.close()
    async with open_database(pooler.urls.worker, pooler=mode, pool_size=SERVER_CONNECTIONS) as database:
        await asyncio.gather(
            *(do_without_a_tenant(database, tenant) for _ in range(20)),
            *(do_write(database, each) for each in TENANTS[1:]),
        )
    # And the connections are as before for whoever comes next.
    repaired = [await asyncpg.connect(pooler.urls.worker, statement_cache_size=0) for _ in range(SERVER_CONNECTIONS)]
    for connection in repaired:
        await connection.execute("begin")
    for connection in repaired:
        await connection.execute("reset app.tenant_id; commit")
        await connection.close()


async def test_what_a_role_set_for_its_later_sessions_does_not_hold_behind_the_pool(
    urls: DatabaseUrls, superuser: asyncpg.Connection, run_folder: RunFolder
) -> None:
    roles, tenant = ("ai_agents_worker", "ai_agents_intake"), uuid4()
    try:
        for role in roles:
            await superuser.execute(f"alter role {role} set default_transaction_read_only = on")
            await superuser.execute(f"alter role {role} set search_path = pg_temp")
        for mode in ("transaction", "session"):
            async with open_pgbouncer(urls, run_folder, pool_mode=mode) as server:
                kind = as_product(server)[0]
                async with (
                    open_intake(server.urls.intake, pooler=kind) as intake,
                    open_database(server.urls.worker, pooler=kind, pool_size=1) as database,
                ):
                    await intake.accept(AcceptedDelivery(tenant, uuid4(), "1", "ticket_created", b"{}", None))
                    await do_write(database, tenant)
    finally:
        for role in roles:
            await superuser.execute(f"alter role {role} reset all")
        await superuser.execute("delete from due")


async def test_the_intake_stores_each_delivery_under_its_own_tenant(pooler: PgBouncer, urls: DatabaseUrls) -> None:
    mode, _ = as_product(pooler)
    deliveries = [
        AcceptedDelivery(tenant, uuid4(), str(n), "ticket_created", str(tenant).encode(), None)
        for tenant in TENANTS
        for n in range(15)
    ]
    refused = [AcceptedDelivery(tenant, uuid4(), "with a \x00", "ticket_created", b"", None) for tenant in TENANTS]
    # Its `/health` has a connection of its own, so one more than the pool's would wait in session mode.
    async with open_intake(pooler.urls.intake, pooler=mode, connections=SERVER_CONNECTIONS) as intake:
        results = await asyncio.gather(*map(intake.accept, deliveries), return_exceptions=True)
        assert [result for result in results if result is not None] == []
        spoilt = await asyncio.gather(*map(intake.accept, [*refused[:5], *deliveries[:5]]), return_exceptions=True)
        assert any(isinstance(result, DatabaseUnavailable) for result in spoilt)
    async with connected(urls.superuser) as superuser:
        rows = await superuser.fetch(
            "select tenant_id, job_id, convert_from(body, 'UTF8') as body from delivery where job_id = any($1)",
            [delivery.job_id for delivery in deliveries],
        )
        await superuser.execute("delete from due")  # no worker of a later test claims them
    assert {(row["tenant_id"], row["job_id"]) for row in rows} == {(each.tenant_id, each.job_id) for each in deliveries}
    assert all(str(row["tenant_id"]) == row["body"] for row in rows)


async def test_no_prepared_statement_stays_on_a_shared_connection(pooler: PgBouncer) -> None:
    mode, pool_size = as_product(pooler)
    async with open_database(pooler.urls.worker, pooler=mode, pool_size=pool_size) as database:
        for _ in range(5):
            await asyncio.gather(*(do_write(database, tenant) for tenant in TENANTS))
    async with connected(pooler.urls.worker, statement_cache_size=0) as connection:
        left = await connection.fetchval("select count(*) from pg_prepared_statements")
    assert left <= 2


async def test_api_and_worker_enhance_tickets_of_two_tenants_through_a_transaction_pool(
    urls: DatabaseUrls,
    worker_db: Database,
    valkey: ValkeyServer,
    help_desk: HelpDeskSimulator,
    model: ModelSimulator,
    run_folder: RunFolder,
    tmp_path: Path,
) -> None:
    portals, known = [], []
    for slug in ("acme", "bluebird"):
        tenant, portal = add_tenant(help_desk, tmp_path, slug=slug)
        await fill_ticket_history(worker_db, tenant)
        portals.append(portal)
        known.append(KnownTenant(tenant, TenantSecrets(webhook=(b"secret",))))
    worker_log = tmp_path / "worker.log"
    async with (
        open_pgbouncer(urls, run_folder, pool_mode="transaction") as pooler,
        open_api_process(pooler.urls, valkey, tmp_path, tmp_path / "api.log", DATABASE_POOLER="transaction") as api,
        open_worker_process(
            pooler.urls, valkey, tmp_path, worker_log, DATABASE_POOLER="transaction", OPENAI_BASE_URL=model.url
        ) as worker,
        httpx.AsyncClient(base_url=api.url) as client,
    ):
        await api.ready()
        await worker.ready()
        tickets = [
            (portal, owner, portal.add_ticket(subject="Outlook receives no mail", description="None since noon."))
            for portal, owner in zip(portals, known, strict=True)
            for _ in range(4)
        ]
        answers = await asyncio.gather(
            *(
                Sender(client, owner).send({"event": "ticket_created", "ticket_id": ticket.id})
                for _, owner, ticket in tickets
            )
        )
        assert [answer.status_code for answer in answers] == [202] * len(tickets)
        await eventually(lambda: all(portal.notes(ticket.id) for portal, _, ticket in tickets), limit_s=30)
        assert (await client.get("/health")).json()["database"] == "connected"
        assert await worker.end() == 0
    assert all(len(portal.notes(ticket.id)) == 1 for portal, _, ticket in tickets)
    lines = [json.loads(line) for line in worker_log.read_text().splitlines()]
    assert [line for line in lines if line["level"] in {"warning", "error"}] == []
    assert [line["outcome"] for line in lines if line["event"] == "attempt_ended"] == ["enhanced"] * len(tickets)
