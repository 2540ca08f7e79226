"""Every table × every verb × {own tenant, another, none} × every role, and every function × every role.

Tables and functions are read from the database; what each role may do with them stands in `TABLES` and `FUNCTIONS`
below. One that is in the database and not below fails here, from its first migration on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid4

import asyncpg
import pytest

from demo.embedded import DatabaseUrls
from tests.integration.database_rows import Column, fill_every_table, find_tables, insert_into

Whose = Literal["own", "all"]
Tenant = Literal["own", "other", "none"]

INTAKE, WORKER = "ai_agents_intake", "ai_agents_worker"


@dataclass(frozen=True)
class Rule:
    """What the worker may do with a table, and with whose rows. Nobody else but the owner may do anything."""

    worker: str
    reads: Whose = "own"
    writes: Whose = "own"


CHANGE = "select insert update delete"
TABLES = {
    "delivery": Rule("select insert update"),
    "enhancement": Rule("select insert update"),
    "due": Rule(CHANGE, reads="all", writes="all"),  # ids and times alone, by which work of all tenants is found
    "ticket": Rule(CHANGE),
    "ticket_vector": Rule(CHANGE),
    "article": Rule(CHANGE),
    "posting": Rule(CHANGE),
    "ticket_link": Rule(CHANGE),
    "term": Rule(CHANGE),
    "corpus": Rule(CHANGE),
    "asset": Rule(CHANGE),
    "asset_address": Rule(CHANGE),
    "asset_name": Rule(CHANGE),
    "sync_cursor": Rule(CHANGE),
    "call_slot": Rule(CHANGE),
    "access_token": Rule(CHANGE),
    # Ids, times and an operator's words: workers choose among all tenants by them.
    "gate": Rule(CHANGE, reads="all"),
    "dead": Rule("select insert delete", reads="all"),
    "account": Rule(CHANGE, reads="all"),  # ids alone: whose deliveries share an instance's slots and holds
    "origin": Rule(CHANGE),
    "stray": Rule(CHANGE),
    "arrival": Rule(CHANGE),
    "attempt": Rule("select insert"),
    "tally": Rule(CHANGE),
    "feedback": Rule("select"),
    "source_vote": Rule("select"),
    "source_reset": Rule(CHANGE),
    "shadow_verdict": Rule(CHANGE),
    "audit": Rule("select insert"),
    "console_session": Rule(CHANGE),
}
VIEWS = {"hold"}
"""Each with the rights, and so the row-level security, of who reads it; workers may read them, and nothing else."""
OPERATORS_WORDS = {("gate", "cause"), ("gate", "closed_by"), ("gate", "reason")}
"""Text that no tenant wrote, in tables that workers read whole."""
WITHOUT_TENANTS = {"alembic_version"}
"""The owner's alone."""
FUNCTIONS = {
    "accept_deliveries(uuid[],uuid[],text[],text[],bytea[],text[])": {INTAKE},
    "forget_settled(integer)": {WORKER},
    "begin_posting(uuid,uuid,integer,uuid,text,text,text)": {WORKER},
    "claim_first(jsonb[],boolean,interval)": {WORKER},
    "like_arrivals(uuid,text,interval,integer,double precision,text[],boolean)": {WORKER},
    "lock_first_due(jsonb[],boolean)": {WORKER},
    "reserve_version(uuid,text,text,uuid,timestamp with time zone,boolean,text,timestamp with time zone,text,text,text[],"
    "boolean,text,text,jsonb,text[],integer,text)": {WORKER},
    "save_enhancement(uuid,uuid,integer,uuid,text,text,jsonb,text,text,bigint,bigint,numeric,boolean,text,text,text[],"
    "boolean,interval,integer,double precision,text[])": {WORKER},
    "settle_posted(uuid,uuid,integer,uuid,text,text,text,timestamp with time zone,text,text,text,jsonb)": {WORKER},
    "record_feedback(uuid,uuid,boolean,text)": {INTAKE},
    "schema_revision()": {INTAKE},
    "count_outcome()": set(),
    "count_enhancement()": set(),
    "keep_source_votes()": set(),
}
"""Who may execute each, beside its owner."""

MINE, THEIRS = uuid4(), uuid4()
SETTINGS: dict[Tenant, str] = {"own": str(MINE), "other": str(THEIRS), "none": ""}
# Tables, views, foreign tables and sequences, in whatever schema.
OUR_RELATIONS = (
    "from pg_class c where c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
    " and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relnamespace::regnamespace::text !~ '^pg_(toast|temp)'"
)


@pytest.fixture(scope="module")
async def tables(superuser: asyncpg.Connection) -> dict[str, list[Column]]:
    """Every table of tenants with its columns; each holds one row of either tenant afterwards."""
    await fill_every_table(superuser, MINE, THEIRS)
    return {name: columns for name, columns in (await find_tables(superuser)).items() if name not in WITHOUT_TENANTS}


@pytest.fixture(scope="module")
async def connect(urls: DatabaseUrls, superuser: asyncpg.Connection) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    """Each role by its own login; `anyone` is one that has only what PUBLIC has, and was let into the database."""
    await superuser.execute("create role anyone")
    connections = {
        "owner": await asyncpg.connect(urls.owner),
        "worker": await asyncpg.connect(urls.worker),
        "intake": await asyncpg.connect(urls.intake),
        "anyone": await asyncpg.connect(urls.superuser),
    }
    await connections["anyone"].execute("set session authorization anyone")
    yield connections
    for connection in connections.values():
        await connection.close()
    await superuser.execute("drop role anyone")


async def set_tenant(connection: asyncpg.Connection, tenant: UUID | None) -> None:
    await connection.execute("select set_config('app.tenant_id', $1, true)", str(tenant) if tenant else "")


def statements(table: str, columns: list[Column]) -> dict[str, str]:
    """Each aims at MINE's row; `read` at all rows."""
    mine = f"where tenant_id = '{MINE}'"
    return {
        "read": f"select distinct tenant_id from {table} where tenant_id in ('{MINE}', '{THEIRS}')",
        "lock": f"select 1 from {table} {mine} for update",
        "insert": insert_into(table, columns, MINE),
        "update": f"update {table} set tenant_id = tenant_id {mine}",
        "hand over": f"update {table} set tenant_id = '{uuid4()}' {mine}",
        "delete": f"delete from {table} {mine}",
        "truncate": f"truncate {table} cascade",
        "trigger": f"create trigger t before insert on {table} execute function suppress_redundant_updates_trigger()",
    }


NEEDS = {
    "read": {"select"},
    "lock": {"select", "update"},
    "hand over": {"select", "update"},
    "update": {"select", "update"},
    "delete": {"select", "delete"},
}


def expected(rule: Rule, role: str, tenant: Tenant, verb: str) -> str:
    rights = {
        "owner": {*CHANGE.split(), "truncate", "trigger"},  # forced: policies hold for it too, but no policy for these
        "worker": set(rule.worker.split()),
    }.get(role, set())
    if not NEEDS.get(verb, {verb}) <= rights:
        return "refused"
    if verb in {"truncate", "trigger"}:
        return "done"
    if verb == "read":
        sees_all = rule.reads == "all" and (role == "worker" or rule.writes == "all")
        return "mine and theirs" if sees_all else {"own": "mine", "other": "theirs", "none": "nothing"}[tenant]
    if rule.writes == "all":
        return "done"
    if verb in {"insert", "hand over"}:
        writes_foreign_row = verb == "hand over" if tenant == "own" else verb == "insert"
        return "refused" if writes_foreign_row else ("done" if tenant == "own" else "nothing")
    return "done" if tenant == "own" else "nothing"


async def outcome(connection: asyncpg.Connection, verb: str, sql: str) -> str:
    """What came of it, undone again."""
    savepoint = connection.transaction()
    await savepoint.start()
    try:
        if verb in {"read", "lock"}:
            rows = await connection.fetch(sql)
            names = {MINE: "mine", THEIRS: "theirs"}
            told = sorted(names[row["tenant_id"]] for row in rows) if verb == "read" else ["done"] * bool(rows)
            return " and ".join(told) or "nothing"
        status: str = await connection.execute(sql)
    except asyncpg.InsufficientPrivilegeError:
        return "refused"
    except asyncpg.UniqueViolationError:
        return "done"  # it passed the policy: a table with one row a tenant has that row already
    finally:
        await savepoint.rollback()
    return "nothing" if status.endswith(" 0") else "done"


@pytest.mark.parametrize("tenant", ["own", "other", "none"])
@pytest.mark.parametrize("role", ["owner", "worker", "intake", "anyone"])
async def test_each_role_reaches_the_rows_of_the_tenant_that_is_set_and_no_others(
    connect: dict[str, asyncpg.Connection], tables: dict[str, list[Column]], role: str, tenant: Tenant
) -> None:
    connection = connect[role]
    cells, rules = {}, {}
    for table, columns in tables.items():
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("select set_config('app.tenant_id', $1, true)", SETTINGS[tenant])
        for verb, sql in statements(table, columns).items():
            cells[table, verb] = await outcome(connection, verb, sql)
            rules[table, verb] = expected(TABLES[table], role, tenant, verb)
        await transaction.rollback()
    assert len(cells) >= len(TABLES) * len(NEEDS)
    assert cells == rules


@pytest.mark.parametrize("role", ["worker", "intake", "anyone"])
@pytest.mark.parametrize("table", sorted(WITHOUT_TENANTS))
async def test_what_belongs_to_no_tenant_is_the_owners_alone(
    connect: dict[str, asyncpg.Connection], role: str, table: str
) -> None:
    for sql in (
        f"select * from {table}",
        f"insert into {table} default values",
        f"delete from {table}",
        f"truncate {table}",
    ):
        assert await outcome(connect[role], "", sql) == "refused", sql


async def test_every_table_has_a_rule_and_forced_row_level_security(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(
        "select c.oid::regclass::text as name, c.relkind::text as kind, c.relrowsecurity and c.relforcerowsecurity as forced "
        + OUR_RELATIONS
        + " and c.relkind <> 'S'"
    )
    assert {row["name"] for row in rows} == TABLES.keys() | WITHOUT_TENANTS | VIEWS
    views = {row["name"] for row in rows if row["kind"] not in {"r", "p"}}
    assert views == VIEWS
    for view in views:
        options = await superuser.fetchval("select reloptions from pg_class where oid = to_regclass($1)", view)
        assert "security_invoker=true" in options, "another view shows what its owner may see"
    everybodys = {table for table, rule in TABLES.items() if (rule.reads, rule.writes) == ("all", "all")}
    assert {row["name"] for row in rows if not row["forced"]} == everybodys | WITHOUT_TENANTS | VIEWS
    assert everybodys == {"due"}


async def test_a_table_that_workers_read_whole_holds_ids_and_times_alone(tables: dict[str, list[Column]]) -> None:
    for table, rule in TABLES.items():
        if rule.reads == "all":
            types = {column.type for column in tables[table] if (table, column.name) not in OPERATORS_WORDS}
            assert types <= {"uuid", "timestamp with time zone", "boolean", "integer", "bigint"}, table


async def test_nothing_is_granted_but_what_the_rules_say(superuser: asyncpg.Connection) -> None:
    """To any role, PUBLIC included; references, trigger, maintain, columns and sequences too."""
    granted = "coalesce(r.rolname, 'PUBLIC') as role, lower(a.privilege_type) as right "
    rows = await superuser.fetch(
        f"with relation as (select c.oid, c.relname, c.relkind, c.relowner, c.relacl {OUR_RELATIONS})"
        f" select c.relname as name, {granted} from relation c cross join"
        " aclexplode(coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's'::\"char\" else 'r' end, c.relowner))) a"
        " left join pg_roles r on r.oid = a.grantee where a.grantee <> c.relowner"
        f" union all select c.relname || '.' || t.attname, {granted} from relation c"
        " join pg_attribute t on t.attrelid = c.oid cross join aclexplode(t.attacl) a"
        " left join pg_roles r on r.oid = a.grantee"
    )
    rules = {(table, WORKER, right) for table, rule in TABLES.items() for right in rule.worker.split()}
    rules |= {(view, WORKER, "select") for view in VIEWS}
    assert {(row["name"], row["role"], row["right"]) for row in rows} == rules


async def test_each_function_is_for_the_roles_that_are_named(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(
        "select p.oid::regprocedure::text as name, array_agg(coalesce(r.rolname, 'PUBLIC')) filter (where a.grantee <> p.proowner)"
        " as roles from pg_proc p cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        " left join pg_roles r on r.oid = a.grantee"
        " where p.pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
        # Those of pgvector compute with what they are given, and are everybody's.
        " and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e') group by p.oid"
    )
    assert {row["name"]: set(row["roles"] or []) for row in rows} == FUNCTIONS


async def test_a_function_with_its_owners_rights_finds_its_tables_and_nobody_elses(
    superuser: asyncpg.Connection,
) -> None:
    rows = await superuser.fetch(
        "select p.oid::regprocedure::text as name, p.proconfig, pg_get_userbyid(p.proowner) as owner from pg_proc p"
        " where p.prosecdef and p.pronamespace <> 'pg_catalog'::regnamespace"
    )
    assert rows
    for row in rows:
        [path] = [setting for setting in row["proconfig"] or [] if setting.startswith("search_path=")]
        schemas = path.removeprefix("search_path=").split(", ")
        assert (schemas[0], schemas[-1]) == ("pg_catalog", "pg_temp"), row["name"]
        assert row["owner"] == "ai_agents_owner", "an ordinary role, which row-level security holds too"


async def test_only_one_schema_is_ours_and_only_the_owner_makes_things_in_it(superuser: asyncpg.Connection) -> None:
    schemas = await superuser.fetch("select nspname from pg_namespace where nspname !~ '^pg_|^information_schema$'")
    assert [row["nspname"] for row in schemas] == ["public"]
    for role in (INTAKE, WORKER, "public"):
        for right in ("create on schema public", "temporary on database", "create on database"):
            verb, _, kind = right.partition(" on ")
            held = await superuser.fetchval(
                "select has_schema_privilege($1::text, 'public', $2)"
                if kind.startswith("schema")
                else "select has_database_privilege($1::text, current_database(), $2)",
                role,
                verb,
            )
            assert not held, (role, right)


async def test_a_key_says_nothing_about_another_tenants_rows(superuser: asyncpg.Connection) -> None:
    """A unique key over all tenants would refuse what another has; so would a foreign key without the tenant."""
    keys = await superuser.fetch(
        "select i.indexrelid::regclass::text as key, a.attname from pg_index i"
        " join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"
        " where i.indisunique and i.indrelid::regclass::text = any($1)",
        list(TABLES),
    )
    assert {row["attname"] for row in keys} == {"tenant_id"}, [row["key"] for row in keys]
    references = await superuser.fetch(
        "select f.conname, a.attname, b.attname as referred from pg_constraint f"
        " join pg_attribute a on a.attrelid = f.conrelid and a.attnum = f.conkey[1]"
        " join pg_attribute b on b.attrelid = f.confrelid and b.attnum = f.confkey[1] where f.contype = 'f'"
    )
    assert {(row["attname"], row["referred"]) for row in references} == {("tenant_id", "tenant_id")}


async def test_a_setting_does_not_outlive_its_transaction(
    connect: dict[str, asyncpg.Connection], tables: dict[str, list[Column]]
) -> None:
    assert tables
    connection = connect["worker"]
    for end in ("commit", "rollback"):
        await connection.execute("begin")
        await set_tenant(connection, MINE)
        assert await connection.fetchval("select count(*) from ticket") == 1
        await connection.execute(end)
        assert await connection.fetchval("select count(*) from ticket") == 0
    for failure in ("select 1/0", "set local statement_timeout = 1; select pg_sleep(1)"):
        await connection.execute("begin")
        await set_tenant(connection, MINE)
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(failure)
        await connection.execute("rollback")
        assert await connection.fetchval("select count(*) from ticket") == 0


async def test_a_transaction_that_goes_from_tenant_to_tenant_sees_each_by_itself(
    connect: dict[str, asyncpg.Connection], tables: dict[str, list[Column]]
) -> None:
    assert tables
    connection = connect["worker"]
    seen = "select array_agg(tenant_id) from ticket"
    async with connection.transaction():
        # The statement is prepared once; its plan must not keep the first tenant.
        statement = await connection.prepare(seen)
        for tenant in (MINE, THEIRS, MINE):
            await set_tenant(connection, tenant)
            assert await statement.fetchval() == [tenant]
        savepoint = connection.transaction()
        await savepoint.start()
        await set_tenant(connection, THEIRS)
        await savepoint.rollback()
        assert await statement.fetchval() == [MINE]
        # In one statement: the setting as it is when a row is looked at, so never two tenants' rows in one answer.
        await set_tenant(connection, None)
        both = await connection.fetch(
            "select set_config('app.tenant_id', id, true), (select array_agg(tenant_id) from ticket where id <> t.id)"
            " from unnest($1::text[]) t(id)",
            [str(MINE), str(THEIRS)],
        )
        assert [row[1] for row in both] == [[MINE], [THEIRS]]


@pytest.mark.parametrize(
    "setting",
    ["", " ", "*", "null", "0", "' or true --", pytest.param(f"{MINE},{THEIRS}", id="two of them"), "%"],
)
async def test_a_setting_that_is_no_tenant_shows_nothing(
    connect: dict[str, asyncpg.Connection], tables: dict[str, list[Column]], setting: str
) -> None:
    connection = connect["worker"]
    for table in (table for table in tables if TABLES[table].reads == "own"):
        await connection.execute("begin")
        await connection.execute("select set_config('app.tenant_id', $1, true)", setting)
        with suppress(asyncpg.InvalidTextRepresentationError):
            assert await connection.fetch(f"select * from {table}") == [], table
        await connection.execute("rollback")


async def test_intake_writes_each_row_as_its_own_tenant_and_a_bad_one_fails_alone(
    connect: dict[str, asyncpg.Connection], superuser: asyncpg.Connection
) -> None:
    good, also_good = uuid4(), uuid4()
    async with connect["intake"].transaction():
        failures = await connect["intake"].fetchval(
            "select accept_deliveries($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[])",
            [MINE, MINE, THEIRS],
            [good, uuid4(), also_good],
            ["1", None, "2"],
            ["ticket_created"] * 3,
            [b"{}"] * 3,
            [None] * 3,
        )
        # Its caller's transaction goes on without a tenant.
        assert await connect["intake"].fetchval("select current_setting('app.tenant_id', true)") == ""
    assert failures == [None, "23502", None]
    stored = await superuser.fetch("select tenant_id, job_id from delivery where job_id = any($1)", [good, also_good])
    assert {(row["tenant_id"], row["job_id"]) for row in stored} == {(MINE, good), (THEIRS, also_good)}
