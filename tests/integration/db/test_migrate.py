"""The schema from revision to revision, and who may migrate it."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine

import app.db.tables  # noqa: F401 - fills SQLModel.metadata
from app.core.tenant import EVERY_TENANT
from app.db import migrate as migration
from app.db.migrate import ROLES, MissingRole, RevisionFailed, alembic_config, migrate
from app.db.schema_check import SchemaDiffers, check_schema
from app.errors import DatabaseUnavailable
from demo.embedded import DatabaseUrls, PostgresServer
from tests.connections import connected
from tests.integration.conftest import add_pgvector
from tests.integration.superuser import run_as_superuser


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
    async with connected(url) as connection:
        rows = await connection.fetch("select relname from pg_class where relnamespace = 'public'::regnamespace")
        return {row["relname"] for row in rows}


async def upgrade(url: str, revision: str) -> None:
    """As an image of that revision did."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), revision))
        await connection.commit()
    await engine.dispose()


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
    async with connected(empty.superuser) as superuser:
        await superuser.execute(f"create schema elsewhere; {spoils}")
    said: list[str] = []
    await migrate(empty.owner, tell=said.append)
    assert remedy in said[-1]
    assert "ticket_vector" not in await tables(empty.owner)


async def test_what_held_every_tenant_back_in_one_tenants_name_is_gone_after_the_upgrade(
    empty: DatabaseUrls,
) -> None:
    await upgrade(empty.owner, "2026_11_29_0250")
    async with connected(empty.superuser) as superuser:
        rows = [(EVERY_TENANT, "paused"), (EVERY_TENANT, "help_desk"), (EVERY_TENANT, "calls"), (uuid4(), "help_desk")]
        row = "insert into gate (tenant_id, cause, closed_until) values ($1, $2, 'infinity')"
        await superuser.executemany(row, rows)
        await migrate(empty.owner, tell=lambda _: None)
        left = await superuser.fetch("select tenant_id, cause from gate")
        assert {tuple(each) for each in left} == {rows[0], rows[3]}
        assert await superuser.fetchval("select relforcerowsecurity from pg_class where relname = 'gate'")


async def test_an_event_that_got_in_before_the_check_can_still_be_settled(empty: DatabaseUrls) -> None:
    await upgrade(empty.owner, "2026_11_25_1100")
    async with connected(empty.superuser) as superuser:
        for status, table in (("pending", "due"), ("failed", "dead"), ("done", None)):
            row = await superuser.fetchrow(
                "insert into delivery (tenant_id, job_id, ticket_id, event, body, status)"
                " values (gen_random_uuid(), gen_random_uuid(), '1', 'b', '', $1) returning tenant_id, job_id",
                status,
            )
            if table:
                await superuser.execute(f"insert into {table} (tenant_id, job_id) values ($1, $2)", *row)
        await migrate(empty.owner, tell=lambda _: None)
        events = dict(await superuser.fetch("select status, event from delivery"))
        assert events == {"pending": "ticket_updated", "failed": "ticket_updated", "done": "b"}
        forced = await superuser.fetch("select relforcerowsecurity from pg_class where relname in ('delivery', 'dead')")
        assert [tuple(row) for row in forced] == [(True,), (True,)]


async def test_the_release_before_reads_a_revision_where_it_looks_for_it(urls: DatabaseUrls) -> None:
    """The comment on a function, by this pattern; without it, that release takes no delivery."""
    async with connected(urls.intake) as connection:
        comment = await connection.fetchval("select obj_description(to_regproc('accept_deliveries'), 'pg_proc')")
    assert re.fullmatch(r"schema (\S+)", comment)


async def test_migrating_twice_changes_nothing(migrated: DatabaseUrls) -> None:
    said: list[str] = []
    await migrate(migrated.owner, tell=said.append)
    assert "already" in said[-1]


async def test_a_schema_ahead_of_the_image_is_a_success(migrated: DatabaseUrls) -> None:
    said: list[str] = []
    async with connected(migrated.owner) as connection:
        await connection.execute("update alembic_version set version_num = '2099_01_01_0000'")
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
    async with connected(migrated.owner) as owner:
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


async def test_the_owner_is_no_superuser(empty: DatabaseUrls) -> None:
    async with connected(empty.owner) as owner:
        row = await owner.fetchrow("select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = user")
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


@pytest.mark.parametrize(
    ("given", "remedy", "taken_back"),
    [
        ("alter role {} bypassrls", "alter role {} nosuperuser nobypassrls", "alter role {} nobypassrls"),
        *(
            (f"alter role {{}} {right}", f"alter role {{}} .*no{right}", f"alter role {{}} no{right}")
            for right in ("createrole", "createdb", "replication")
        ),
        *(
            (f"grant {group} to {{}}", f"revoke {group} from {{}}", f"revoke {group} from {{}}")
            for group in ("ai_agents_owner", "pg_read_all_data", "pg_execute_server_program")
        ),
    ],
)
@pytest.mark.parametrize("role", ROLES)
async def test_a_role_that_may_more_than_work_is_refused(
    empty: DatabaseUrls, role: str, given: str, remedy: str, taken_back: str
) -> None:
    await run_as_superuser(empty, given.format(role))
    try:
        with pytest.raises(MissingRole, match=remedy.format(role)):
            await migrate(empty.owner, tell=lambda _: None)
    finally:
        await run_as_superuser(empty, taken_back.format(role))


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


RIGHTS = [
    "grant temporary on database {} to public",
    "grant temporary on database {} to ai_agents_worker",
    "grant create on database {} to ai_agents_intake",
    "grant create on schema public to public",
]


async def take_back(urls: DatabaseUrls, grants: list[str]) -> None:
    async with connected(urls.superuser) as superuser:
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


@pytest.mark.parametrize("grant", RIGHTS)
async def test_a_right_to_make_tables_is_taken_back(migrated: DatabaseUrls, grant: str) -> None:
    await take_back(migrated, [grant])


async def test_rights_to_make_tables_are_taken_back_of_a_new_database(empty: DatabaseUrls) -> None:
    await take_back(empty, RIGHTS)


async def test_a_right_that_the_owner_can_not_take_back_is_refused(empty: DatabaseUrls) -> None:
    await run_as_superuser(empty, "alter database empty owner to postgres")
    await run_as_superuser(empty, "grant connect, temporary on database empty to public")
    with pytest.raises(MissingRole, match="run: revoke temporary, create on database empty from public"):
        await migrate(empty.owner, tell=lambda _: None)


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
