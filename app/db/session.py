"""Transactions, each for one tenant.

Invariant: every query runs in `as_tenant`, except those on `due`, the table without tenants' content. The tenant is set
for the transaction only (`set_config(…, is_local => true)`), so the next user of a pooled connection does not have it,
in our pool and in PgBouncer's. With no tenant set, PostgreSQL shows no rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import exc, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from app.db.connection import CONNECT_TIMEOUT, Pooler, driver_dsn, unavailable
from app.db.connection import is_passing as is_passing_in_driver
from app.db.sql import load

STATEMENT_TIMEOUT: Final = timedelta(seconds=15)

_BEGIN: Final = load(__package__, "begin")


class Database:
    """A pool of connections as one role, from `open_database` until its block ends."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def as_tenant(self, tenant_id: UUID) -> AsyncIterator[AsyncSession]:
        """A transaction in which PostgreSQL shows the rows of *tenant_id* alone.

        Raises:
            DatabaseUnavailable: PostgreSQL is down, full, read-only or too slow. Whether the commit happened is not known.
        """
        async with self._begin(str(tenant_id)) as session:
            yield session

    @asynccontextmanager
    async def across_tenants(self) -> AsyncIterator[AsyncSession]:
        """A transaction with no tenant: `due` can be read and written, every other table shows zero rows.

        Raises:
            DatabaseUnavailable: As for `as_tenant`.
        """
        async with self._begin("") as session:
            yield session

    @asynccontextmanager
    async def _begin(self, tenant_id: str) -> AsyncIterator[AsyncSession]:
        timeout_ms = str(int(STATEMENT_TIMEOUT.total_seconds() * 1000))
        try:
            async with self._sessions.begin() as session:
                await session.execute(_BEGIN, {"tenant_id": tenant_id, "timeout_ms": timeout_ms})
                yield session
        except (exc.SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            if is_passing(error):
                raise unavailable(error) from error
            raise


async def choose_tenant(session: AsyncSession, tenant_id: UUID) -> None:
    """Show the rows of *tenant_id* in the rest of this transaction, begun by `across_tenants`."""
    await session.execute(select(func.set_config("app.tenant_id", str(tenant_id), True)))


def is_passing(error: BaseException) -> bool:
    """Like `connection.is_passing`, also for errors that SQLAlchemy has wrapped."""
    if isinstance(error, exc.TimeoutError | exc.InterfaceError):
        return True
    if isinstance(error, exc.DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig.__cause__ or error.orig if error.orig is not None else error
    return is_passing_in_driver(error)


def is_fault_of_value(error: BaseException) -> bool:
    """Whether a value is at fault: one that PostgreSQL can't compute with (class 22), or that the driver can't read."""
    if isinstance(error, exc.SQLAlchemyError | asyncpg.PostgresError | asyncpg.InterfaceError):
        return _sqlstate(error).startswith("22")
    return isinstance(error, ValueError | TypeError | LookupError | ArithmeticError)


def is_fault_of_schema(error: BaseException) -> bool:
    """Whether the schema or a right is at fault (class 42): no statement of this kind can succeed, whatever the row."""
    return _sqlstate(error).startswith("42")


def _sqlstate(error: BaseException) -> str:
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    return str(getattr(original, "sqlstate", None) or "")


@asynccontextmanager
async def open_database(
    url: str, *, pooler: Pooler = "none", pool_size: int = 5, name: str = "ai-agents"
) -> AsyncIterator[Database]:
    """A `Database` on *url*. Connects on first use.

    Args:
        url: `postgresql://…` or `postgresql+asyncpg://…`, `?sslmode=` understood.
        pooler: `transaction` behind PgBouncer: no statement is prepared for a later transaction.
        pool_size: Connections at most.
        name: `application_name`, as `pg_stat_activity` shows it.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda *_: _connect(url, pooler=pooler, name=name),
        hide_parameters=True,  # an error's text must not quote a ticket
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT.total_seconds(),
        pool_pre_ping=True,
    )
    try:
        yield Database(engine)
    finally:
        # Shielded, so that the connections are closed also when this task is cancelled.
        await asyncio.shield(engine.dispose())


def create_owner_engine(url: str, *, name: str) -> AsyncEngine:
    """For what the owner of the tables does at length: no pool, and no limit on how long a statement may run."""
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda *_: asyncpg.connect(
            driver_dsn(url), timeout=CONNECT_TIMEOUT.total_seconds(), server_settings={"application_name": name}
        ),
        poolclass=NullPool,
    )


async def _connect(url: str, *, pooler: Pooler, name: str) -> asyncpg.Connection[Any]:
    return await asyncpg.connect(
        driver_dsn(url),
        timeout=CONNECT_TIMEOUT.total_seconds(),
        command_timeout=STATEMENT_TIMEOUT.total_seconds() + 2,
        # 0: statements have no name, and asyncpg parses them in the same message that executes them. SQLAlchemy's own
        # cache then holds only their types, so it needs no setting.
        statement_cache_size=0 if pooler == "transaction" else 100,
        server_settings={"application_name": name},
    )
