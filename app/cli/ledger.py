"""Opens the database for one command, as the worker's role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app.errors import Rejected

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
    url = settings.database_url.get_secret_value()
    try:
        async with open_database(url, pooler=settings.database_pooler, pool_size=2, name="ai-agents cli") as database:
            yield database
    except (DBAPIError, PostgresError) as error:
        raise Rejected(_why_refused(error)) from error


def _why_refused(error: Exception) -> str:
    """A sentence with a remedy for a role or a database that PostgreSQL refuses."""
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    remedy = {
        "42501": "this role may not do that: use the worker's, ai_agents_worker",
        "28P01": "PostgreSQL does not accept this user and password",
        "28000": "PostgreSQL does not let this user in",
        "3D000": "there is no such database",
        "42P01": "the database has no schema yet: run `ai-agents migrate`",
    }.get(str(state), f"PostgreSQL refused (SQLSTATE {state})")
    return f"DATABASE_URL: {remedy}"
