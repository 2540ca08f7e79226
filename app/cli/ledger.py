"""Opens the database for one command, as the worker's role."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app.cli.run import Result, run
from app.errors import DatabaseUnavailable, Rejected

if TYPE_CHECKING:
    from app.db.session import Database


@asynccontextmanager
async def open_ledger() -> AsyncIterator[Database]:
    """The database of `DATABASE_URL`.

    Raises:
        Rejected: PostgreSQL refuses this role or this database; the sentence has the remedy.
    """
    from asyncpg import PostgresError
    from sqlalchemy.exc import DBAPIError

    from app.db.session import open_database
    from app.settings import LedgerSettings, load_settings

    settings = load_settings(LedgerSettings)
    try:
        async with open_database(**settings.database, name="ai-agents cli") as database:
            yield database
    except DatabaseUnavailable as error:
        told = why_refused(error.__cause__, role="")
        if told is None:
            raise DatabaseUnavailable(f"DATABASE_URL: {error.detail}") from error
        raise Rejected(f"DATABASE_URL: {told}") from error
    except (DBAPIError, PostgresError) as error:
        told = why_refused(error, role="the worker's, ai_agents_worker")
        state = getattr(getattr(error, "orig", error), "sqlstate", None)
        raise Rejected(f"DATABASE_URL: {told or f'PostgreSQL refused (SQLSTATE {state})'}") from error


def run_on_ledger(work: Callable[[Database], Awaitable[Result]]) -> Result:
    """What *work* gives for the database of `DATABASE_URL`."""

    async def on_ledger() -> Result:
        async with open_ledger() as database:
            return await work(database)
        raise AssertionError

    return run(on_ledger())


def why_refused(error: BaseException | None, *, role: str) -> str | None:
    """A remedy for a role or a database that PostgreSQL refuses; None for any other error. *role* is the right one."""
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return {
        "42501": f"this role may not do that: use {role}",
        "28P01": "PostgreSQL does not accept this user and password",
        "28000": "PostgreSQL does not let this user in",
        "3D000": "there is no such database",
        "42P01": "the database has no schema yet: run `ai-agents migrate`",
        "42704": "PostgreSQL does not know a parameter that the URL has behind its ?",
    }.get(str(state))
