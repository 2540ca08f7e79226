"""The schema, up and down, and who may migrate it."""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

import app.db.tables  # noqa: F401 - fills SQLModel.metadata
from app.core.tenant import EVERY_TENANT
from app.db import migrate as migration
from app.db.migrate import ROLES, MissingRole, RevisionFailed, alembic_config, migrate
from app.db.pgvector import is_vector_table
from app.db.schema_check import SchemaDiffers, check_schema
from app.errors import DatabaseUnavailable
from demo.embedded import DatabaseUrls, PostgresServer
from tests.integration.conftest import add_pgvector


@pytest.fixture
async def empty(postgres: PostgresServer) -> AsyncIterator[DatabaseUrls]:
    await postgres.create_database("empty")
    yield await postgres.create_roles("empty")
    await postgres.drop_database("empty")


@pytest.fixture
async def migrated(postgres: PostgresServer) -> AsyncIterator[DatabaseUrls]:
    """At this image's head: a copy, which takes less than the revisions do."""
    await postgres.create_database("copied", template="migrated")
    yield await postgres.create_roles("copied")
    await postgres.drop_database("copied")


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("select relname from pg_class where relnamespace = 'public'::regnamespace")
        return {row["relname"] for row in rows}
    finally:
        await connection.close()


async def on_connection(url: str, work: Callable[[Connection], object]) -> object:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    try:
        async with engine.connect() as connection:
            result = await connection.run_sync(work)
            await connection.commit()
            return result
    finally:
        await engine.dispose()


async def test_the_schema_goes_up_down_and_up_again(empty: DatabaseUrls) -> None:
    said: list[str] = []
    head = await migrate(empty.owner, tell=said.append)
    full = await tables(empty.owner)
    assert {"delivery", "due", "enhancement"} <= full

    def downgrade(connection: Connection) -> None:
        command.downgrade(alembic_config(connection), "base")

    await on_connection(empty.owner, downgrade)
    assert await tables(empty.owner) == {"alembic_version", "alembic_version_pkc"}
    assert await migrate(empty.owner, tell=said.append) == head
    assert await tables(empty.owner) == full


async def test_the_tables_in_the_code_are_the_tables_in_the_database(urls: DatabaseUrls) -> None:
    def compare(connection: Connection) -> list[object]:
        opts = {
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, _: not is_vector_table(name, kind),
        }
        context = MigrationContext.configure(connection, opts=opts)
        with warnings.catch_warnings():
            # SQLAlchemy 2.1 does not know what it reflected itself of a check that is not validated.
            warnings.filterwarnings("ignore", "Can't validate argument 'dialect_options'")
            return list(compare_metadata(context, SQLModel.metadata))

    assert await on_connection(urls.owner, compare) == []


async def test_the_table_for_vectors_is_made_when_pgvector_is_there_and_not_before(empty: DatabaseUrls) -> None:
    said: list[str] = []
    head = await migrate(empty.owner, tell=said.append)
    assert "ticket_vector" not in await tables(empty.owner)
    await check_schema(empty.owner, tell=said.append)

    await add_pgvector(empty)
    for _ in range(2):
        assert await migrate(empty.owner, tell=said.append) == head
    assert {"ticket_vector", "ticket_vector_title_idx"} <= await tables(empty.owner)
    assert said.count("made the table for vectors, as the database has pgvector") == 1
    await check_schema(empty.owner, tell=said.append)


@pytest.mark.parametrize(
    ("spoils", "remedy"),
    [
        ("alter extension vector set schema elsewhere", "alter extension vector set schema public;"),
        ("update pg_extension set extversion = '0.7.4' where extname = 'vector'", "alter extension vector update;"),
    ],
)
async def test_a_pgvector_that_cannot_serve_is_told_and_stops_nothing(
    empty: DatabaseUrls, spoils: str, remedy: str
) -> None:
    await add_pgvector(empty)
    superuser = await asyncpg.connect(empty.superuser)
    await superuser.execute(f"create schema elsewhere; {spoils}")
    await superuser.close()
    said: list[str] = []
    await migrate(empty.owner, tell=said.append)
    assert remedy in said[-1]
    assert "ticket_vector" not in await tables(empty.owner)


async def test_what_held_every_tenant_back_in_one_tenants_name_is_gone_after_the_upgrade(
    migrated: DatabaseUrls,
) -> None:
    await on_connection(
        migrated.owner, lambda connection: command.downgrade(alembic_config(connection), "2026_11_29_0250")
    )
    superuser = await asyncpg.connect(migrated.superuser)
    try:
        rows = [(EVERY_TENANT, "paused"), (EVERY_TENANT, "help_desk"), (EVERY_TENANT, "calls"), (uuid4(), "help_desk")]
        row = "insert into gate (tenant_id, cause, closed_until) values ($1, $2, 'infinity')"
        await superuser.executemany(row, rows)
        await migrate(migrated.owner, tell=lambda _: None)
        left = await superuser.fetch("select tenant_id, cause from gate")
        assert {tuple(each) for each in left} == {rows[0], rows[3]}
        assert await superuser.fetchval("select relforcerowsecurity from pg_class where relname = 'gate'")
    finally:
        await superuser.close()


async def test_an_event_that_got_in_before_the_check_can_still_be_settled(
    migrated: DatabaseUrls,
) -> None:
    def go_back(connection: Connection) -> None:
        command.downgrade(alembic_config(connection), "2026_11_25_1100")

    await on_connection(migrated.owner, go_back)
    superuser = await asyncpg.connect(migrated.superuser)
    try:
        for status, table in (("pending", "due"), ("failed", "dead"), ("done", None)):
            row = await superuser.fetchrow(
                "insert into delivery (tenant_id, job_id, ticket_id, event, body, status)"
                " values (gen_random_uuid(), gen_random_uuid(), '1', 'b', '', $1) returning tenant_id, job_id",
                status,
            )
            if table:
                await superuser.execute(f"insert into {table} (tenant_id, job_id) values ($1, $2)", *row)
        await migrate(migrated.owner, tell=lambda _: None)
        events = dict(await superuser.fetch("select status, event from delivery"))
        assert events == {"pending": "ticket_updated", "failed": "ticket_updated", "done": "b"}
        forced = await superuser.fetch("select relforcerowsecurity from pg_class where relname in ('delivery', 'dead')")
        assert [tuple(row) for row in forced] == [(True,), (True,)]
    finally:
        await superuser.close()


async def test_the_release_before_reads_a_revision_where_it_looks_for_it(urls: DatabaseUrls) -> None:
    """The comment on a function, by this pattern; without it, that release takes no delivery."""
    connection = await asyncpg.connect(urls.intake)
    comment = await connection.fetchval("select obj_description(to_regproc('accept_deliveries'), 'pg_proc')")
    await connection.close()
    assert re.fullmatch(r"schema (\S+)", comment)


async def test_migrating_twice_changes_nothing(migrated: DatabaseUrls) -> None:
    said: list[str] = []
    await migrate(migrated.owner, tell=said.append)
    assert "already" in said[-1]


async def test_a_schema_ahead_of_the_image_is_a_success(migrated: DatabaseUrls) -> None:
    said: list[str] = []
    connection = await asyncpg.connect(migrated.owner)
    await connection.execute("update alembic_version set version_num = '2099_01_01_0000'")
    await connection.close()
    assert await migrate(migrated.owner, tell=said.append) == "2099_01_01_0000"
    assert "ahead" in said[-1]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("alter table nothing add column other text", "UndefinedTableError of the statement: alter table nothing"),
        ("create table delivery ()", "DuplicateTableError of the statement: create table delivery ()"),
        ("insert into due (tenant_id) values ('a secret')", "InvalidTextRepresentationError of the statement: insert"),
    ],
    ids=["no such table", "table is there", "value"],
)
async def test_a_revision_that_fails_is_named_with_its_statement_and_leaves_nothing(
    migrated: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, statement: str, said: str
) -> None:
    head = await migrate(migrated.owner, tell=lambda _: None)
    before = await tables(migrated.owner)
    folder = shutil.copytree(Path(migration.__file__).parent / "migrations", tmp_path / "migrations")
    (folder / "versions/2099-01-02_0000_bad.py").write_text(
        f"from alembic import op\nrevision, down_revision = '2099_01_02_0000', '{head}'\n"
        f'def upgrade() -> None:\n    op.execute("create table half ()")\n    op.execute("{statement}")\n'
    )
    config = migration._config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    monkeypatch.setattr(migration, "_config", lambda: config)

    with pytest.raises(RevisionFailed, match="2099-01-02_0000_bad failed, and nothing") as failure:
        await migrate(migrated.owner, tell=lambda _: None)

    assert said in failure.value.detail
    assert await tables(migrated.owner) == before


async def test_a_check_tells_what_is_there_and_changes_nothing(empty: DatabaseUrls) -> None:
    said: list[str] = []
    with pytest.raises(SchemaDiffers, match="at nothing"):
        await check_schema(empty.owner, tell=said.append)
    assert await tables(empty.owner) == set()
    head = await migrate(empty.owner, tell=lambda _: None)

    await check_schema(empty.owner, tell=said.append)

    assert said == [f"the schema is at {head}, its tables are those of this image, and the roles are right"]


async def test_a_check_sees_a_schema_that_is_behind_ahead_or_changed_by_hand(migrated: DatabaseUrls) -> None:
    said: list[str] = []
    owner = await asyncpg.connect(migrated.owner)
    try:
        await owner.execute("alter table delivery add column by_hand text")
        with pytest.raises(SchemaDiffers, match="by_hand"):
            await check_schema(migrated.owner, tell=said.append)
        await owner.execute("update alembic_version set version_num = '2026_11_25_1100'")
        with pytest.raises(SchemaDiffers, match=r"at 2026_11_25_1100, and this image wants .*: run migrate"):
            await check_schema(migrated.owner, tell=said.append)
        await owner.execute("update alembic_version set version_num = '2099_01_01_0000'")
        await check_schema(migrated.owner, tell=said.append)
        assert "ahead" in said[-1]
        assert await owner.fetchval("select version_num from alembic_version") == "2099_01_01_0000"
    finally:
        await owner.close()


async def test_the_owner_is_no_superuser(empty: DatabaseUrls) -> None:
    connection = await asyncpg.connect(empty.owner)
    row = await connection.fetchrow("select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = user")
    await connection.close()
    assert list(row) == [False, False, False]


async def test_a_missing_role_is_named_with_the_sql_that_makes_it(postgres: PostgresServer) -> None:
    # Roles belong to the server, so the missing one is put out of sight by another name for a moment.
    await postgres.create_database("roleless")
    urls = await postgres.create_roles("roleless")
    superuser = await asyncpg.connect(postgres.superuser_url())
    try:
        await superuser.execute("alter role ai_agents_intake rename to put_aside")
        with pytest.raises(MissingRole, match="create role ai_agents_intake login password"):
            await migrate(urls.owner, tell=lambda _: None)
    finally:
        await superuser.execute("alter role put_aside rename to ai_agents_intake")
        await superuser.close()
        await postgres.drop_database("roleless")


async def test_a_role_that_bypasses_row_level_security_is_refused(empty: DatabaseUrls) -> None:
    superuser = await asyncpg.connect(empty.superuser)
    try:
        await superuser.execute("alter role ai_agents_worker bypassrls")
        with pytest.raises(MissingRole, match="alter role ai_agents_worker nosuperuser nobypassrls"):
            await migrate(empty.owner, tell=lambda _: None)
    finally:
        await superuser.execute("alter role ai_agents_worker nobypassrls")
        await superuser.close()


@pytest.mark.parametrize("where", ["", 'in database "{database}" '])
async def test_what_a_role_has_set_for_its_later_sessions_is_told_with_the_sql_that_takes_it_back(
    migrated: DatabaseUrls, where: str
) -> None:
    superuser = await asyncpg.connect(migrated.superuser)
    where = where.format(database=await superuser.fetchval("select current_database()"))
    worker = await asyncpg.connect(migrated.worker)
    try:
        for setting in ("search_path = pg_temp", "default_transaction_read_only = on"):
            await worker.execute(f"alter role current_user {where}set {setting}")
        await worker.execute(f"alter role current_user {where}set transaction_isolation = 'read committed'")
        with pytest.raises(MissingRole, match="ai_agents_worker has set search_path for all") as refused:
            await migrate(migrated.owner, tell=lambda _: None)
        assert "ai_agents_worker has set default_transaction_read_only" in refused.value.detail
        await superuser.execute(refused.value.detail.partition("run: ")[2])
        await migrate(migrated.owner, tell=lambda _: None)
    finally:
        await superuser.execute(f"alter role ai_agents_worker {where}reset all")
        await worker.close()
        await superuser.close()


async def test_who_may_take_it_back_does(migrated: DatabaseUrls) -> None:
    superuser = await asyncpg.connect(migrated.superuser)
    said: list[str] = []
    try:
        await superuser.execute("alter role ai_agents_owner createrole")
        await superuser.execute("grant ai_agents_worker to ai_agents_owner with admin option, inherit false, set false")
        await superuser.execute("alter role ai_agents_worker set lock_timeout = '1ms'")
        await superuser.execute("alter role ai_agents_worker set timezone = 'Asia/Kolkata'")
        await superuser.execute("alter role ai_agents_worker set transaction_isolation = 'read committed'")
        await migrate(migrated.owner, tell=said.append)
        assert "took back what ai_agents_worker had set for its later sessions: lock_timeout" in said
        kept = await superuser.fetchval(
            "select setconfig from pg_db_role_setting where setrole = 'ai_agents_worker'::regrole"
        )
        assert kept == ["transaction_isolation=read committed"]
    finally:
        await superuser.execute("alter role ai_agents_worker reset all")
        await superuser.execute("alter role ai_agents_owner nocreaterole")
        await superuser.execute("revoke ai_agents_worker from ai_agents_owner")
        await superuser.close()


async def test_a_role_that_can_act_as_the_owner_is_refused(empty: DatabaseUrls) -> None:
    superuser = await asyncpg.connect(empty.superuser)
    try:
        await superuser.execute("grant ai_agents_owner to ai_agents_worker")
        with pytest.raises(MissingRole, match="revoke ai_agents_owner from ai_agents_worker"):
            await migrate(empty.owner, tell=lambda _: None)
    finally:
        await superuser.execute("revoke ai_agents_owner from ai_agents_worker")
        await superuser.close()


@pytest.mark.parametrize("attribute", ["createrole", "createdb", "replication"])
async def test_a_role_that_may_more_than_work_is_refused(empty: DatabaseUrls, attribute: str) -> None:
    superuser = await asyncpg.connect(empty.superuser)
    try:
        await superuser.execute(f"alter role ai_agents_intake {attribute}")
        with pytest.raises(MissingRole, match=f"alter role ai_agents_intake .*no{attribute}"):
            await migrate(empty.owner, tell=lambda _: None)
    finally:
        await superuser.execute(f"alter role ai_agents_intake no{attribute}")
        await superuser.close()


@pytest.mark.parametrize("group", ["pg_read_all_data", "pg_execute_server_program"])
async def test_a_role_with_the_rights_of_a_predefined_one_is_refused(empty: DatabaseUrls, group: str) -> None:
    superuser = await asyncpg.connect(empty.superuser)
    try:
        await superuser.execute(f"grant {group} to ai_agents_intake")
        with pytest.raises(MissingRole, match=f"revoke {group} from ai_agents_intake"):
            await migrate(empty.owner, tell=lambda _: None)
    finally:
        await superuser.execute(f"revoke {group} from ai_agents_intake")
        await superuser.close()


RIGHTS = [
    "grant temporary on database {} to public",
    "grant temporary on database {} to ai_agents_worker",
    "grant create on database {} to ai_agents_intake",
    "grant create on schema public to public",
]


async def take_back(urls: DatabaseUrls, grants: list[str]) -> None:
    superuser = await asyncpg.connect(urls.superuser)
    try:
        name = await superuser.fetchval("select current_database()")
        for grant in grants:
            await superuser.execute(grant.format(name))
        said: list[str] = []
        await migrate(urls.owner, tell=said.append)
        assert "took back the right to make tables" in said[0]
        for role in ROLES:
            rights = await superuser.fetchrow(
                "select has_database_privilege($1, $2, 'temporary'), has_database_privilege($1, $2, 'create'),"
                " has_schema_privilege($1, 'public', 'create')",
                role,
                name,
            )
            assert tuple(rights) == (False, False, False), role
    finally:
        await superuser.close()


@pytest.mark.parametrize("grant", RIGHTS)
async def test_a_right_to_make_tables_is_taken_back(migrated: DatabaseUrls, grant: str) -> None:
    await take_back(migrated, [grant])


async def test_rights_to_make_tables_are_taken_back_of_a_new_database(empty: DatabaseUrls) -> None:
    await take_back(empty, RIGHTS)


async def test_a_right_that_the_owner_can_not_take_back_is_refused(empty: DatabaseUrls) -> None:
    superuser = await asyncpg.connect(empty.superuser)
    try:
        await superuser.execute("alter database empty owner to postgres")
        await superuser.execute("grant connect, temporary on database empty to public")
        with pytest.raises(MissingRole, match="run: revoke temporary, create on database empty from public"):
            await migrate(empty.owner, tell=lambda _: None)
    finally:
        await superuser.close()


async def test_a_database_that_stays_out_is_waited_for_and_then_given_up() -> None:
    said: list[str] = []
    with pytest.raises(DatabaseUnavailable):
        await migrate("postgresql://nobody:x@127.0.0.1:9/none", tell=said.append, wait=timedelta(seconds=1.2))
    assert said
    assert all("waiting for PostgreSQL" in line for line in said)


async def test_two_migrators_queue_up(empty: DatabaseUrls) -> None:
    import asyncio

    heads = await asyncio.gather(*(migrate(empty.owner, tell=lambda _: None) for _ in range(3)))
    assert len(set(heads)) == 1
