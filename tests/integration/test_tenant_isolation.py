"""Every table, every verb, as the row's own tenant, as another and as none, for each role.

The tables are read from the database, so a new one is covered, or fails here, from its first migration on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.demo.embedded import DatabaseUrls

MINE, THEIRS = uuid4(), uuid4()
REFERRED = "referred-to"
# Ids and times alone: the one table by which workers find work of all tenants.
WITHOUT_POLICY = {"due", "alembic_version"}
# Ids, times and an operator's words: workers see every tenant's and change the own tenant's alone.
SEEN_BY_WORKERS = {"gate", "dead"}


@dataclass
class Column:
    name: str
    type: str
    is_required: bool
    is_reference: bool


@pytest.fixture(scope="module")
async def superuser(urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(urls.superuser)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def tables(superuser: asyncpg.Connection) -> dict[str, list[Column]]:
    """Every table with its columns; each holds one row of either tenant afterwards."""
    rows = await superuser.fetch(
        "select c.relname, a.attname, format_type(a.atttypid, null) as type, a.attnotnull and not a.atthasdef as required,"
        " exists (select from pg_constraint f where f.conrelid = c.oid and f.contype = 'f' and a.attnum = any(f.conkey))"
        " as reference"
        " from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attidentity = ''"
        " and a.attgenerated = '' order by c.relname, a.attnum"
    )
    found: dict[str, list[Column]] = {}
    for row in rows:
        found.setdefault(row["relname"], []).append(
            Column(row["attname"], row["type"], row["required"], row["reference"])
        )
    # What others refer to comes first, under the one id that they refer to.
    for table in sorted(found, key=lambda name: sum(column.is_reference for column in found[name])):
        if table != "alembic_version":
            for tenant in (MINE, THEIRS):
                await superuser.execute(insert_into(table, found[table], tenant, text=REFERRED))
    return found


def insert_into(table: str, columns: list[Column], tenant: UUID, *, text: str | None = None) -> str:
    """SQL that inserts a valid row of *tenant*; of everything else a value of the column's type."""
    values = {column.name: a_value(column, text or uuid4().hex) for column in columns if column.is_required}
    values["tenant_id"] = f"'{tenant}'"
    return f"insert into {table} ({', '.join(values)}) values ({', '.join(values.values())})"


def a_value(column: Column, text: str) -> str:
    if column.is_reference:
        text = REFERRED
    simple = {
        "uuid": f"'{uuid4()}'",
        "text": {"kind": "'ticket'", "cause": "'calls'"}.get(column.name, f"'{text}'"),
        "bytea": "'\\x00'",
        "integer": "1",
        "bigint": str(uuid4().int % 10**9),
        "smallint": "1",
        "double precision": "1",
        "real": "1",
        "numeric": "1",
        "boolean": "false",
        "timestamp with time zone": "now()",
        "inet": f"'10.0.{uuid4().int % 250}.{uuid4().int % 250}'",
        "jsonb": "'{}'",
    }
    if column.type.endswith("[]"):
        return "'{}'"
    return simple[column.type]


@pytest.fixture
async def connect(urls: DatabaseUrls) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    connections = {
        "worker": await asyncpg.connect(urls.worker),
        "intake": await asyncpg.connect(urls.intake),
        "owner": await asyncpg.connect(urls.owner),
    }
    yield connections
    for connection in connections.values():
        await connection.close()


async def set_tenant(connection: asyncpg.Connection, tenant: UUID | None) -> None:
    await connection.execute("select set_config('app.tenant_id', $1, true)", str(tenant) if tenant else "")


async def test_every_table_with_content_has_forced_row_level_security(
    superuser: asyncpg.Connection, tables: dict[str, list[Column]]
) -> None:
    rows = await superuser.fetch(
        "select relname, relrowsecurity and relforcerowsecurity as is_forced from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
    )
    assert {row["relname"] for row in rows if not row["is_forced"]} == WITHOUT_POLICY
    for table, columns in tables.items():
        assert table == "alembic_version" or columns[0].name == "tenant_id", table


@pytest.mark.parametrize("role", ["worker", "owner"])
@pytest.mark.parametrize("tenant", [MINE, THEIRS, None], ids=["own", "other", "none"])
async def test_a_role_sees_and_touches_the_rows_of_the_tenant_that_is_set_and_no_others(
    connect: dict[str, asyncpg.Connection], tables: dict[str, list[Column]], role: str, tenant: UUID | None
) -> None:
    """Select, update and delete aim at MINE's rows; insert writes MINE's row."""
    connection = connect[role]
    expected = 1 if tenant == MINE else 0
    for table, columns in tables.items():
        if table in WITHOUT_POLICY:
            continue
        transaction = connection.transaction()
        await transaction.start()
        await set_tenant(connection, tenant)
        sees_all = role == "worker" and table in SEEN_BY_WORKERS
        mine = await connection.fetchval(f"select count(*) from {table} where tenant_id = '{MINE}'")
        assert mine == (1 if sees_all else expected), table
        seen = await connection.fetchval(f"select count(*) from {table}")
        assert seen == (2 if sees_all else 0 if tenant is None else 1), table
        for verb, sql in {
            "update": f"update {table} set tenant_id = tenant_id where tenant_id = '{MINE}'",
            "delete": f"delete from {table} where tenant_id = '{MINE}'",
        }.items():
            if await may(connection, table, verb):
                status = await attempt(connection, sql)
                assert status == f"{verb.upper()} {expected}", (table, verb)
        if await may(connection, table, "insert"):
            status = await attempt(connection, insert_into(table, columns, MINE))
            # 23505: it passed the policy, and a table with one row a tenant has that row already.
            assert status in ({"INSERT 0 1", "23505"} if tenant == MINE else {"42501"}), (table, "insert")
        await transaction.rollback()


@pytest.mark.parametrize("role", ["worker", "owner"])
async def test_a_row_cannot_be_handed_to_another_tenant(
    connect: dict[str, asyncpg.Connection], tables: dict[str, list[Column]], role: str
) -> None:
    connection = connect[role]
    for table in tables.keys() - WITHOUT_POLICY:
        transaction = connection.transaction()
        await transaction.start()
        await set_tenant(connection, MINE)
        if await may(connection, table, "update"):
            status = await attempt(connection, f"update {table} set tenant_id = '{uuid4()}'")
            assert status == "42501", table
        await transaction.rollback()


async def may(connection: asyncpg.Connection, table: str, verb: str) -> bool:
    return bool(await connection.fetchval("select has_table_privilege($1, $2)", table, verb))


async def attempt(connection: asyncpg.Connection, sql: str) -> str:
    """The command's status, or its SQLSTATE; either way the transaction goes on."""
    savepoint = connection.transaction()
    await savepoint.start()
    try:
        status: str = await connection.execute(sql)
    except asyncpg.PostgresError as error:
        await savepoint.rollback()
        return str(error.sqlstate)
    await savepoint.rollback()
    return status


@pytest.mark.parametrize("tenant", [MINE, THEIRS, None], ids=["own", "other", "none"])
async def test_the_intake_role_can_touch_no_table_at_all(
    connect: dict[str, asyncpg.Connection], tables: dict[str, list[Column]], tenant: UUID | None
) -> None:
    connection = connect["intake"]
    for table, columns in tables.items():
        transaction = connection.transaction()
        await transaction.start()
        await set_tenant(connection, tenant)
        for sql in (
            f"select count(*) from {table}",
            f"update {table} set {columns[0].name} = {columns[0].name}",
            f"delete from {table}",
            f"truncate {table}",
            insert_into(table, columns, MINE)
            if table != "alembic_version"
            else "insert into alembic_version values ('x')",
        ):
            assert await attempt(connection, sql) == "42501", sql
        await transaction.rollback()


@pytest.mark.parametrize("role", ["worker", "intake"])
@pytest.mark.parametrize(
    "sql",
    [
        "set role ai_agents_owner",
        "set session authorization ai_agents_owner",
        "alter table delivery disable row level security",
        "alter table delivery no force row level security",
        "drop policy tenant_isolation on delivery",
        "create policy open on delivery using (true)",
        "create table mine (id int)",
        "create function public.f() returns int language sql as 'select 1'",
        "select pg_read_file('/etc/passwd')",
        "copy delivery to program 'cat'",
        "copy (select 1) to '/tmp/x'",
        "alter role current_user bypassrls",
        "create role another",
        "set row_security = off; select count(*) from delivery",
        "truncate delivery",
    ],
)
async def test_a_role_of_the_application_cannot_lift_what_holds_it(
    connect: dict[str, asyncpg.Connection], role: str, sql: str
) -> None:
    transaction = connect[role].transaction()
    await transaction.start()
    assert await attempt(connect[role], sql) in {"42501", "0A000", "42704"}, sql
    await transaction.rollback()


async def test_a_setting_does_not_outlive_its_transaction(connect: dict[str, asyncpg.Connection]) -> None:
    connection = connect["worker"]
    async with connection.transaction():
        await set_tenant(connection, MINE)
        assert await connection.fetchval("select count(*) from delivery") == 1
    assert await connection.fetchval("select count(*) from delivery") == 0


async def test_intake_writes_each_row_as_its_own_tenant_and_a_bad_one_fails_alone(
    connect: dict[str, asyncpg.Connection], superuser: asyncpg.Connection
) -> None:
    good, also_good = uuid4(), uuid4()
    failures = await connect["intake"].fetchval(
        "select accept_deliveries($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[])",
        [MINE, MINE, THEIRS],
        [good, uuid4(), also_good],
        ["1", None, "2"],
        ["ticket_created"] * 3,
        [b"{}"] * 3,
        [None] * 3,
    )
    assert failures == [None, "23502", None]
    stored = await superuser.fetch("select tenant_id, job_id from delivery where job_id = any($1)", [good, also_good])
    assert {(row["tenant_id"], row["job_id"]) for row in stored} == {(MINE, good), (THEIRS, also_good)}
    assert await connect["intake"].fetchval("select current_setting('app.tenant_id', true)") in {"", None}
