"""Taking the schema to the newest revision: `ai-agents migrate`.

Invariant: two migrators never run at once (advisory lock), a migrator never waits on a busy table for long while
others queue up behind it (`lock_timeout`), and a schema that is ahead of this image is a success: after a rollback the
older image meets a newer schema, which every revision is made to allow. No run succeeds while a role of the
application could lift what holds it.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.connection import unavailable
from app.db.migrations import ADVISORY_LOCK
from app.db.pgvector import make_vector_table
from app.db.session import is_fault_of_schema
from app.db.sqlalchemy_sessions import create_owner_engine, is_passing, load_text
from app.errors import AppError, Rejected

ROLES: Final = ("ai_agents_intake", "ai_agents_worker")

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 10.0
_TIMEOUTS: Final = {"lock_timeout": "10s", "statement_timeout": "10min"}
"""How long one statement may wait for a table, and how long it may run."""
_MAX_STATEMENT_CHARS: Final = 300

_ROLES: Final = load_text(__package__, "roles")
_MAKERS: Final = load_text(__package__, "makers")
_TAKE_BACK: Final = load_text(__package__, "take_back")
_ROLE_SETTINGS: Final = load_text(__package__, "role_settings")

Tell = Callable[[str], None]


class RevisionFailed(Rejected):
    """PostgreSQL refused a statement of a revision. It and the others of this run were taken back together."""


class MissingRole(Rejected):
    """A role that the application logs in with does not exist, or may more than it should."""


async def migrate(url: str, *, tell: Tell, wait: timedelta = timedelta(minutes=5)) -> str:
    """The schema's revision, after it was taken to the newest that this image knows.

    Args:
        url: The owner's.
        tell: Gets a line for a person about each step and each wait.
        wait: How long the database may stay out, or another migrator hold the lock.

    Raises:
        DatabaseUnavailable: No connection within *wait*.
        MissingRole: With the SQL that mends it.
        RevisionFailed: With the revision and its statement.
    """
    engine = create_owner_engine(url, name="ai-agents migrate")
    try:
        return await _when_reachable(engine, wait=wait, tell=tell)
    finally:
        await engine.dispose()


async def _when_reachable(engine: AsyncEngine, *, wait: timedelta, tell: Tell) -> str:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait.total_seconds()
    pause_s = _FIRST_WAIT_S
    while True:
        try:
            async with engine.connect() as connection:
                await _take_lock(connection, deadline=deadline, tell=tell)
                for name, value in _TIMEOUTS.items():
                    await connection.execute(select(func.set_config(name, value, False)))
                await connection.commit()
                return await connection.run_sync(_upgrade, tell)
        except AppError:
            raise
        except Exception as error:
            if not is_passing(error):
                raise
            if loop.time() + pause_s > deadline:
                raise unavailable(error) from error
            tell(f"waiting for PostgreSQL ({type(error).__name__}); next try in {pause_s:.1f} s")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_WAIT_S)


async def _take_lock(connection: Any, *, deadline: float, tell: Tell) -> None:
    """The session's advisory lock: it ends with the connection, however that ends."""
    is_told = False
    while not (await connection.execute(select(func.pg_try_advisory_lock(ADVISORY_LOCK)))).scalar():
        await connection.rollback()
        if asyncio.get_running_loop().time() > deadline:
            raise Rejected("another migrator has held the lock all the time; see pg_locks for locktype 'advisory'")
        if not is_told:
            tell("another migrator is at work; waiting for it")
            is_told = True
        await asyncio.sleep(0.5)
    await connection.commit()


def _upgrade(connection: Connection, tell: Tell) -> str:
    config = alembic_config(connection)
    head, known = known_revisions()
    current = MigrationContext.configure(connection).get_current_revision()
    check_roles(connection)
    _keep_from_making_tables(connection, tell)
    _reset_settings(connection, tell)
    connection.commit()
    if current is not None and current not in known:
        tell(f"the schema ({current}) is ahead of this image ({head}); nothing to do")
        return current
    if current == head:
        tell(f"the schema is at {head} already")
    else:
        tell(f"migrating from {current or 'an empty database'} to {head}")
        try:
            command.upgrade(config, "head")
            connection.commit()
        except DBAPIError as error:
            if is_passing(error) or (failed := _failed(error)) is None:
                raise
            raise failed from error
        tell(f"the schema is at {head}")
    make_vector_table(connection, tell)
    connection.commit()
    return head


def _failed(error: DBAPIError) -> RevisionFailed | None:
    """None when it came from elsewhere. Neither parameters nor PostgreSQL's sentence: they may hold a row's values."""
    files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    revision = next((file.stem for file in reversed(files) if file.parent.name == "versions"), None)
    if revision is None or error.orig is None:
        return None
    statement = " ".join((error.statement or "").split())[:_MAX_STATEMENT_CHARS]
    return RevisionFailed(
        f"the revision {revision} failed, and nothing of this release is in the schema: "
        f"{type(error.orig.__cause__ or error.orig).__name__} of the statement: {statement}"
    )


def known_revisions() -> tuple[str, frozenset[str]]:
    """The newest revision of this image, and all that it knows."""
    script = ScriptDirectory.from_config(_config())
    return script.get_current_head() or "", frozenset(revision.revision for revision in script.walk_revisions())


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration, working on *connection*."""
    config = _config()
    config.attributes["connection"] = connection
    return config


def _config() -> Config:
    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))  # as Jenkins names its checkouts
    config.set_main_option("file_template", "%%(year)d-%%(month).2d-%%(day).2d_%%(hour).2d%%(minute).2d_%%(slug)s")
    return config


def check_roles(connection: Connection) -> None:
    """Raises MissingRole, with the SQL that mends it, if a role is missing or may more than it should."""
    rows = connection.execute(_ROLES, {"roles": list(ROLES)}).all()
    missing = [role for role in ROLES if role not in {row.rolname for row in rows}]
    if missing:
        remedy = " ".join(f"create role {role} login password '…';" for role in missing)
        raise MissingRole(
            f"the database has no role {' and no role '.join(missing)}. As the database's master user, run: {remedy}"
        )
    for row in rows:
        if row.is_mighty:
            raise MissingRole(
                f"{row.rolname} bypasses row-level security, or may make roles or databases, or replicate. As the "
                f"database's master user, run: alter role {row.rolname} nosuperuser nobypassrls nocreaterole nocreatedb "
                "noreplication;"
            )
        if row.is_owner:
            raise MissingRole(
                f"{row.rolname} can act as the owner of the tables. As the database's master user, run: "
                f"revoke {_current_user(connection)} from {row.rolname};"
            )
        if row.mighty_groups:
            raise MissingRole(
                f"{row.rolname} has the rights of {row.mighty_groups}. As the database's master user, run: "
                f"revoke {row.mighty_groups} from {row.rolname};"
            )


def _keep_from_making_tables(connection: Connection, tell: Tell) -> None:
    """Take back what PostgreSQL gives everybody: temporary tables, and up to version 14 tables in `public`.

    A table that the application made would have no policy and could stand before the real one; on a pooled
    connection it would still stand there, with its rows, for the next tenant.
    """
    if not makers(connection):
        return
    remedy = connection.execute(_TAKE_BACK, {"roles": list(ROLES)}).one()
    if remedy.is_ours:
        for statement in (remedy.of_database, remedy.of_schema):
            connection.exec_driver_sql(statement)
        tell("took back the right to make tables, temporary ones too, from all but the owner")
    found = makers(connection)
    if found:
        raise MissingRole(
            f"{' and '.join(found)} can make tables, which have no row-level security. As the owner of the database, "
            f"run: {remedy.of_database}; {remedy.of_schema};"
        )


def _reset_settings(connection: Connection, tell: Tell) -> None:
    """Take back what the roles have set for their own sessions. Ours undo it (`connection.connect`), other clients don't."""
    left = []
    for row in connection.execute(_ROLE_SETTINGS, {"roles": list(ROLES)}).all():
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(row.remedy)
        except DBAPIError as error:
            if not is_fault_of_schema(error):
                raise
            left.append(row)
        else:
            tell(f"took back what {row.rolname} had set for its later sessions: {row.name}")
    if left:
        told = ", ".join(f"{row.rolname} has set {row.name}" for row in left)
        remedy = "; ".join(row.remedy for row in left)
        raise MissingRole(
            f"{told} for all its later sessions. As the database's master user, run: {remedy};",
        )


def makers(connection: Connection) -> list[str]:
    """The roles of the application that can make tables."""
    return list(connection.execute(_MAKERS, {"roles": list(ROLES)}).scalars())


def _current_user(connection: Connection) -> str:
    return str(connection.execute(select(func.quote_ident(func.current_user()))).scalar())
