"""One value that can't be digested, in each column of each table that is read: it costs its own tenant alone.

Checks are dropped first: rows of before a check, of another release or of an operator's hand need not fit them. Each
column that a claim depends on has a tenant of its own, whose other values are good.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from app.console.access import Role
from app.console.app import open_console
from app.console.sessions import Seals
from app.core.tenant import Tenant
from app.db.ledger.intake import AcceptedDelivery, open_intake
from app.db.session import open_database
from app.queue import RingBroker, open_queue
from app.settings import ConsoleSettings
from app.simulator.helpdesk import HelpDeskSimulator
from app.simulator.portal import Portal
from app.worker.app import open_worker
from app.worker.retention import forget_old
from app.worker.watch import look_at_strays, look_at_usage, look_once
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.offline_model import ModelSimulator
from tests.builders import a_body
from tests.integration.database_rows import Column, find_tables, insert_into
from tests.integration.processes import open_worker_process
from tests.integration.worker.conftest import Stage, add_tenant, eventually, fill_ticket_history, worker_settings

UNREAD: Final = {"alembic_version"}
"""No worker and no page reads them."""
CLAIMED: Final = {"delivery", "due", "gate", "enhancement"}
"""What a claim and its end depend on."""
OF_A_DELIVERY: Final = {"delivery", "enhancement", "attempt", "feedback"}
"""What the page of a delivery shows."""
_REFUSALS: Final = (
    *(asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, asyncpg.ProgramLimitExceededError),
    asyncpg.GeneratedAlwaysError,
)

_VALUES: Final = {
    "text": ["E'\\x01no such value' || repeat('x', 100000)"],
    "bytea": ["'\\x00ff'", "''"],
    "integer": ["2147483647", "-2147483648"],
    "bigint": ["9223372036854775807", "-1"],
    "real": ["'NaN'", "'Infinity'"],
    "double precision": ["'NaN'", "'Infinity'"],
    "numeric": ["'NaN'", "'Infinity'"],
    "jsonb": [
        *("'[]'", """'{"text": 1e400}'""", "'null'", "'[[]]'"),
        "cast(repeat('9', 5000) as jsonb)",
        "cast(repeat('[', 2000) || repeat(']', 2000) as jsonb)",
        """cast('[{"name": "x", "began_at": "0001-01-01T00:00+14:00", "ms": 1' || repeat('0', 400) || '}]' as jsonb)""",
    ],
    "boolean": ["true"],
    "uuid": ["'00000000-0000-0000-0000-000000000000'"],
    "inet": ["'255.255.255.255/0'", "'::/0'"],
    "timestamp with time zone": ["'infinity'", "'20000-01-01'", "'4713-01-01 BC'"],
}
_CHECKS: Final = """
select format('alter table %s drop constraint %I', conrelid::regclass, conname)
from pg_constraint where contype = 'c' and connamespace = 'public'::regnamespace
"""


def _values(kind: str) -> list[str]:
    if kind.endswith("[]"):
        return ["array[null]::" + kind, *(f"array[{value}]::{kind}" for value in _VALUES[kind[:-2]][:1])]
    return _VALUES.get(kind, [])


@dataclass(frozen=True)
class Bad:
    """A tenant whose rows of a table hold one bad value."""

    tenant: Tenant
    portal: Portal
    table: str
    columns: list[Column]
    value: str


def _desk(table: str) -> dict[str, Any]:
    """What a tenant needs whose worker reads the table."""
    budget = {"model": {"monthly_token_budget": 10**9}}
    return {"servicedesk": {"edition": "cloud"}, **budget} if table == "access_token" else budget


def _all_values(tables: dict[str, list[Column]]) -> list[tuple[str, list[Column], str]]:
    """Table, columns and value for each tenant: where a claim depends on it one column, else all that can hold it."""
    found: list[tuple[str, list[Column], str]] = []
    for table, columns in tables.items():
        if table in UNREAD:
            continue
        by_value: dict[str, list[Column]] = {}
        for column in columns:
            for value in _values(column.type) if column.name != "tenant_id" else ():
                by_value.setdefault(value, []).append(column)
        for value, holders in by_value.items():
            found += [(table, [each], value) for each in holders] if table in CLAIMED else [(table, holders, value)]
    return found


async def _spoil(connection: asyncpg.Connection, tables: dict[str, list[Column]], bad: Bad, job_id: UUID) -> int:
    """Put the bad value into the tenant's rows, those of *job_id*. Returns in how many columns PostgreSQL can hold it."""
    owner, spoilt = bad.tenant.id, 0
    if not await connection.fetchval(f"select exists (select from {bad.table} where tenant_id = $1)", owner):
        if bad.table in {"asset_address", "asset_name"}:
            await connection.execute(insert_into("asset", tables["asset"], owner, text="referred-to"))
        await connection.execute(insert_into(bad.table, tables[bad.table], owner))
        if bad.table in OF_A_DELIVERY:
            await connection.execute(f"update {bad.table} set job_id = $2 where tenant_id = $1", owner, job_id)
    for column in bad.columns:
        with suppress(*_REFUSALS):
            change = f'update {bad.table} set "{column.name}" = {bad.value} where tenant_id = $1'
            await connection.execute(change, owner)
            spoilt += 1
    return spoilt


async def _work(stage: Stage, *, at_most: int) -> int:
    """Claim and work until nothing is due, as a worker with four slots does."""
    attempts = 0

    async def one_slot() -> None:
        nonlocal attempts
        while attempts < at_most and await stage.worker.attempts.work_once():
            attempts += 1

    await asyncio.gather(*(one_slot() for _ in range(4)))
    return attempts


async def test_a_value_that_cannot_be_digested_costs_its_own_tenant_alone(
    urls: DatabaseUrls, valkey: ValkeyServer, help_desk: HelpDeskSimulator, model: ModelSimulator, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(urls.superuser)
    tables = await find_tables(connection)
    for (statement,) in await connection.fetch(_CHECKS):
        await connection.execute(statement)
    good = [add_tenant(help_desk, tmp_path, slug=f"good-{number}") for number in range(3)]
    bad = [
        Bad(*add_tenant(help_desk, tmp_path, slug=f"bad-{number}", **_desk(table)), table, columns, value)
        for number, (table, columns, value) in enumerate(_all_values(tables))
    ]
    async with (
        open_database(urls.worker) as database,
        open_intake(urls.intake) as intake,
        open_worker(worker_settings(urls, valkey, tmp_path, model)) as worker,
    ):
        stage = Stage(good[0][1], model, intake, database, worker, good[0][0])

        async def deliver(tenant: Tenant, portal: Portal) -> tuple[Portal, str, UUID]:
            ticket = portal.add_ticket(subject="Outlook receives no mail", description="None since noon on PC-0231.")
            return portal, ticket.id, await stage.deliver(ticket.id, tenant_id=tenant.id)

        jobs, spoilt = {}, 0
        for each in bad:
            await fill_ticket_history(database, each.tenant)
            job_id = (await deliver(each.tenant, each.portal))[2]
            if each.table in OF_A_DELIVERY:
                jobs[each.tenant.slug] = job_id
            spoilt += await _spoil(connection, tables, each, job_id)
        assert spoilt > sum(len(each.columns) for each in bad) * 0.9
        wanted = [await deliver(*each) for each in good for _ in range(2)]
        attempts = await _work(stage, at_most=3 * len(bad))
        assert attempts < 3 * len(bad)
        for portal, ticket_id, _ in wanted:
            assert len(portal.notes(ticket_id)) == 1
        untold = "select job_id from delivery where status = 'failed' and code is null"
        assert await connection.fetch(untold) == []
        await worker.relay.pass_once()
        await look_once(database, worker.tenants)
        await look_at_usage(database, worker.tenants, unpriced=worker.toolkits.unpriced)
        await look_at_strays(database, worker.tenants)
        await forget_old(database, worker.tenants)
        await _read_console(urls, valkey, tmp_path, jobs)
    await connection.close()


async def _read_console(urls: DatabaseUrls, valkey: ValkeyServer, folder: Path, jobs: dict[str, UUID]) -> None:
    """Each page of the console is shown, also those of *jobs*, whose own rows hold bad values."""
    key, token = "k" * 32, "t" * 16
    settings = ConsoleSettings.model_validate(
        {
            "database_url": urls.worker,
            "redis_url": valkey.url,
            "tenants_dir": folder / "files",
            "tenant_secrets_dir": folder / "secrets",
            "console_token": token,
            "console_session_key": key,
        }
    )
    async with open_console(settings) as opened:
        console: Any = opened
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=console), base_url="http://console") as client:
            client.cookies.set("ai_agents_console", Seals(key.encode(), token=token).seal_user("ines", Role.OPERATOR))
            pages = ["/", "/deliveries", "/tenants", "/quality", "/cost", "/cost.csv", "/acts"]
            for slug, job_id in jobs.items():
                pages.append(f"/deliveries/{slug}/{job_id}")
            wrong = {}
            for path in pages:
                answer = await client.get(path)
                assert path != "/" or "can&#39;t be read" in answer.text
                if answer.status_code not in {200, 404}:
                    wrong[path] = answer.status_code
            assert wrong == {}


@pytest.mark.parametrize("is_there", [False, True], ids=["not posted", "posted, and its answer lost"])
async def test_a_note_in_words_of_another_release_is_written_anew(stage: Stage, *, is_there: bool) -> None:
    """As after a rollback: the newer release wrote it, and stopped before the note was known to be there."""
    stage.fault("POST notes", "cut_after" if is_there else "status", status=503)
    ticket_id = stage.ticket()
    await stage.deliver_and_work(ticket_id)
    assert len(stage.notes(ticket_id)) == is_there
    async with stage.database.as_tenant(stage.tenant.id) as session:
        newer = "update enhancement set content = jsonb_set(content, '{reasons}', '[\"a reason of a newer release\"]')"
        await session.execute(text(newer))
    await stage.end_rests()
    await stage.work_again()
    assert (await stage.delivery_of(ticket_id)).status == "done"
    assert len(stage.notes(ticket_id)) == 1


async def test_a_ring_that_cannot_be_digested_costs_nothing(
    urls: DatabaseUrls, valkey: ValkeyServer, help_desk: HelpDeskSimulator, model: ModelSimulator, tmp_path: Path
) -> None:
    tenant, portal = add_tenant(help_desk, tmp_path)
    settings = worker_settings(urls, valkey, tmp_path, model)
    redis = Redis.from_url(valkey.url)
    async with open_intake(urls.intake) as intake, open_queue(RingBroker(valkey.url)) as queue:
        log = tmp_path / "worker.log"
        variables = {"OPENAI_BASE_URL": settings.openai_base_url or ""}
        async with open_worker_process(urls, valkey, tmp_path, log, **variables) as worker:
            await worker.ready()
            await queue.offer(tenant.id, uuid4())
            (stream,) = [key for key in await redis.keys() if await redis.type(key) == b"stream"]
            rings = [b"", b"{", b"\xff" * 1000, b'{"task_name": "no-such-task"}', b"[" * 5000]
            for ring in rings:
                await redis.xadd(stream, {b"data": ring})
            await redis.xadd(stream, {b"other": b"1"})
            ticket = portal.add_ticket(subject="Outlook receives no mail", description="None since noon.")
            job_id = uuid4()
            body = a_body(ticket_id=ticket.id)
            await intake.accept(AcceptedDelivery(tenant.id, job_id, ticket.id, "ticket_created", body, None))
            await queue.offer(tenant.id, job_id)
            await eventually(lambda: len(portal.notes(ticket.id)) == 1)
    await redis.aclose()
