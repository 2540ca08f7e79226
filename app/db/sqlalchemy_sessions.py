"""Transactions by SQLAlchemy, for what no delivery needs: sync, console, command line and migrations.

A module of its own, since SQLAlchemy and our tables take a sixth of the CPU of a worker's start: `Database` loads it with
the first such transaction, and what a worker loads at its start does not import it (tests/integration/api/test_process).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import ExceptionContext, TextClause, event, exc, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from app.db.connection import (
    CONNECT_TIMEOUT,
    DRIVER_ERRORS,
    STATEMENT_TIMEOUT_MS,
    driver_dsn,
    is_read_only,
    refuses_login,
    unavailable,
)
from app.db.connection import is_passing as is_passing_in_driver
from app.db.sql import read_script


def load_text(package: str, name: str) -> TextClause:
    """The statement of `<name>.sql` in *package* for a session, as `sql.load` does it for the driver."""
    return text(read_script(package, name))


_BEGIN: Final = load_text(__package__, "begin")


class Sessions:
    """Connections that *connect* makes, at most *size* of them, each lent to one session after the other."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection[Any]]], *, size: int) -> None:
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda *_: connect(),
            hide_parameters=True,  # an error's text must not quote a ticket
            pool_size=size,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT.total_seconds(),
            pool_pre_ping=True,
        )
        event.listen(self._engine.sync_engine, "handle_error", _end_read_only)
        self._begin = async_sessionmaker(self._engine, expire_on_commit=False).begin

    @asynccontextmanager
    async def begin(self, tenant_id: UUID) -> AsyncIterator[AsyncSession]:
        """A transaction in which PostgreSQL shows the rows of *tenant_id* alone."""
        try:
            async with self._begin() as session:
                await session.execute(_BEGIN, {"tenant_id": str(tenant_id), "timeout_ms": STATEMENT_TIMEOUT_MS})
                yield session
        except (exc.SQLAlchemyError, *DRIVER_ERRORS) as error:
            if is_passing(error) or refuses_login(error):
                raise unavailable(error) from error
            raise

    async def close(self) -> None:
        await self._engine.dispose()


def _end_read_only(context: ExceptionContext) -> None:
    """Let SQLAlchemy end its connections where one takes no writes."""
    context.is_disconnect |= is_read_only(context.original_exception)


def is_passing(error: BaseException) -> bool:
    """Like `connection.is_passing`, also for errors that SQLAlchemy has wrapped."""
    if isinstance(error, exc.TimeoutError | exc.InterfaceError):
        return True
    if isinstance(error, exc.DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig.__cause__ or error.orig if error.orig is not None else error
    return is_passing_in_driver(error)


def create_owner_engine(url: str, *, name: str) -> AsyncEngine:
    """For what the owner of the tables does at length: no pool, and no limit on how long a statement may run."""
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda *_: asyncpg.connect(
            driver_dsn(url), timeout=CONNECT_TIMEOUT.total_seconds(), server_settings={"application_name": name}
        ),
        poolclass=NullPool,
    )
