"""Transactions, each for one tenant.

    Database.transaction  for what each delivery needs: statements of the driver itself (asyncpg), from `.sql` files
    Database.as_tenant    for the rest, by SQLAlchemy: console, command line, sync. A transaction costs 0.9 ms of CPU

Invariant: every query runs for one tenant, except those on `due`, the table without tenants' content, and those that go
from one tenant to the next by themselves (`app/db/each.py`). The tenant is set for the transaction only (`set local`), so
the next user of a pooled connection does not have it, in our pools and in PgBouncer's. With no tenant set, PostgreSQL
shows no rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, Self
from uuid import UUID

import asyncpg

from app.db.connection import (
    CONNECT_TIMEOUT,
    DRIVER_ERRORS,
    STATEMENT_TIMEOUT,
    STATEMENT_TIMEOUT_MS,
    Connection,
    Pooler,
    connecting,
    driver_dsn,
    is_passing,
    is_read_only,
    refuses_login,
    unavailable,
)
from app.db.moments import read_all_times
from app.db.pool import ConnectionPool
from app.db.sql import Statement
from app.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app.db.sqlalchemy_sessions import Sessions

# One round trip, by `set`, which needs no plan: 40 µs of PostgreSQL's CPU with the commit, 64 by `set_config`. Whose rows
# the transaction shows (empty: nobody's), how long a statement of it may run, and that each connection plans a statement
# once: to plan the search anew each time cost a third of it.
_BEGIN_NOW: Final = (
    f"begin; set local app.tenant_id = '%s'; set local statement_timeout = {STATEMENT_TIMEOUT_MS};"
    " set local plan_cache_mode = force_generic_plan"
)
# Its commit does not wait for the disk.
_FORGETTABLE: Final = "; set local synchronous_commit = off"
_ROLLBACK_TIMEOUT_S: Final = 2.0
# A connection that broke while nobody used it. PostgreSQL may be back, with another one.
_BROKEN: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)

Row = Mapping[str, Any]
"""A row by its columns' names."""


class Transaction:
    """The statements of one transaction, begun by `Database.transaction`."""

    __slots__ = ("_connection",)

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection

    async def rows(self, statement: Statement, /, **values: Any) -> Sequence[Row]:
        """All rows of *statement*."""
        return list(await self._connection.fetch(statement.sql, *statement.arguments(values)))

    async def row(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row, or None when there is none."""
        found: Row | None = await self._connection.fetchrow(statement.sql, *statement.arguments(values))
        return found

    async def value(self, statement: Statement, /, **values: Any) -> Any:
        """The first column of the first row, or None when there is none."""
        return await self._connection.fetchval(statement.sql, *statement.arguments(values))

    async def run(self, statement: Statement, /, **values: Any) -> None:
        """Execute *statement* for what it changes."""
        await self._connection.fetch(statement.sql, *statement.arguments(values))


class Transactions(Protocol):
    """What a reader needs: a `Database`, or a `SharedTransaction`."""

    def transaction(self, tenant_id: UUID | None) -> AbstractAsyncContextManager[Transaction]: ...


class Database:
    """Connections as one role, from `open_database` until its block ends."""

    def __init__(
        self, pool: ConnectionPool, of_all_times: ConnectionPool, open_sessions: Callable[[], Sessions]
    ) -> None:
        self._pool = pool
        self._of_all_times = of_all_times
        self._open_sessions = open_sessions
        self._opened: Sessions | None = None

    def _sessions(self) -> Sessions:
        if self._opened is None:
            self._opened = self._open_sessions()
        return self._opened

    async def close(self) -> None:
        """Close all connections; those that don't close in time are cut off."""
        for pool in {self._pool, self._of_all_times}:
            await pool.close(limit=CONNECT_TIMEOUT)
        if self._opened is not None:
            await self._opened.close()

    @asynccontextmanager
    async def transaction(
        self, tenant_id: UUID | None, *, is_forgettable: bool = False, reads_all_times: bool = False
    ) -> AsyncIterator[Transaction]:
        """A transaction in which PostgreSQL shows the rows of *tenant_id* alone; None: of `due` and nothing else.

        One that *is_forgettable* a crash of PostgreSQL within a second may undo. One that *reads_all_times* is not
        ended by a row's time that Python does not have.

        Raises:
            DatabaseUnavailable: PostgreSQL is down, full, read-only or too slow. Whether the commit happened is not known.
        """
        pool = self._of_all_times if reads_all_times else self._pool
        begin = _BEGIN_NOW % ("" if tenant_id is None else tenant_id.hex)
        if is_forgettable:
            begin += _FORGETTABLE
        with _told_as_unavailable():
            connection, _ = await _ask_one(pool, lambda one: one.execute(begin))
            try:
                yield Transaction(connection)
                await connection.execute("commit")
            except BaseException as error:
                if is_read_only(error):
                    connection.terminate()
                    pool.end_idle()
                else:
                    await _roll_back(connection)
                raise
            finally:
                pool.give_back(connection)

    async def rows_alone(self, statement: Statement, /, **values: Any) -> Sequence[Row]:
        """All rows of *statement*, which is a transaction of its own: one round trip, not three.

        It sets its tenant itself, before it reads or writes a row: in the values of an `insert`, or in a function. It may be
        executed twice.

        Raises:
            DatabaseUnavailable: As for `transaction`.
        """
        with _told_as_unavailable():
            connection, rows = await _ask_one(
                self._pool, lambda one: one.fetch(statement.sql, *statement.arguments(values))
            )
            self._pool.give_back(connection)
            return list(rows)

    async def value_alone(self, statement: Statement, /, **values: Any) -> Any:
        """The first column of the first row of *statement*, as `rows_alone` has it; None: there is no row."""
        rows = await self.rows_alone(statement, **values)
        return next(iter(rows[0].values())) if rows else None

    @asynccontextmanager
    async def as_tenant(self, tenant_id: UUID) -> AsyncIterator[AsyncSession]:
        """A transaction in which PostgreSQL shows the rows of *tenant_id* alone.

        Raises:
            DatabaseUnavailable: PostgreSQL is down, full, read-only or too slow. Whether the commit happened is not known.
        """
        async with self._sessions().begin(tenant_id) as session:
            yield session


async def _ask_one(
    pool: ConnectionPool, ask: Callable[[asyncpg.Connection[Any]], Awaitable[Any]]
) -> tuple[asyncpg.Connection[Any], Any]:
    """A connection and what it answered to *ask*; if the first one is broken, a second one."""
    for is_last in (False, True):
        connection = await pool.borrow(limit=CONNECT_TIMEOUT)
        try:
            return connection, await ask(connection)
        except BaseException as error:
            connection.terminate()
            pool.give_back(connection)
            if is_read_only(error):
                pool.end_idle()
            if is_last or not isinstance(error, _BROKEN):
                raise
    raise AssertionError


class SharedTransaction:
    """One transaction that several readers use, one after the other. The first one begins it.

    For a note's context: to begin and to end a transaction costs as much as most of its statements. When a statement
    fails, so does what is read after it, until the block ends.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = asyncio.Lock()
        self._open = AsyncExitStack()
        self._transaction: Transaction | None = None
        self._tenant_id: UUID | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(DatabaseUnavailable):  # nothing was written
            await self._open.aclose()

    @asynccontextmanager
    async def transaction(self, tenant_id: UUID | None) -> AsyncIterator[Transaction]:
        """The one transaction.

        Raises:
            ValueError: It was begun for another tenant, whose rows it shows.
        """
        async with self._turn:
            if self._transaction is not None and tenant_id != self._tenant_id:
                raise ValueError("the transaction was begun for another tenant")
            if self._transaction is None:
                self._tenant_id = tenant_id
                self._transaction = await self._open.enter_async_context(self._database.transaction(tenant_id))
            with _told_as_unavailable():
                yield self._transaction


@contextmanager
def _told_as_unavailable() -> Iterator[None]:
    try:
        yield
    except DRIVER_ERRORS as error:
        if is_passing(error) or refuses_login(error):
            raise unavailable(error) from error
        raise


async def _roll_back(connection: asyncpg.Connection[Any]) -> None:
    """End the transaction, or the connection if that can't be done at once: PostgreSQL then rolls back by itself."""
    try:
        await connection.execute("rollback", timeout=_ROLLBACK_TIMEOUT_S)
    except BaseException as error:  # also a second cancellation: no connection may go back in a transaction
        connection.terminate()
        if not isinstance(error, Exception):
            raise


def is_fault_of_schema(error: BaseException) -> bool:
    """Whether the schema or a right is at fault (class 42): no statement of this kind can succeed, whatever the row."""
    return _sqlstate(error).startswith("42")


def _sqlstate(error: BaseException) -> str:
    original = getattr(error, "orig", None) if _is_of_sqlalchemy(error) else error
    return str(getattr(original, "sqlstate", None) or "")


def _is_of_sqlalchemy(error: BaseException) -> bool:
    """By its module: the class is there only once SQLAlchemy is loaded."""
    return type(error).__module__ == "sqlalchemy.exc"


@asynccontextmanager
async def open_database(
    url: str,
    *,
    pooler: Pooler = "none",
    pool_size: int = 5,
    sessions: int | None = None,
    name: str = "ai-agents",
    shows_all_times: bool = False,
) -> AsyncIterator[Database]:
    """A `Database` on *url*. Connects on first use.

    Args:
        url: `postgresql://…` or `postgresql+asyncpg://…`, `?sslmode=` understood.
        pooler: `transaction` behind PgBouncer: no statement is prepared for a later transaction.
        pool_size: Connections at most, for each of the two kinds of transactions.
        sessions: Of these for SQLAlchemy's and the one that reads all times, if not as many.
        name: `application_name`, as `pg_stat_activity` shows it.
        shows_all_times: The driver too reads times that Python does not have, as sessions do.
    """
    open_one = partial(_open_with_all_times, url, pooler, name)
    settings = _settings(pooler, name)
    if pooler == "none":  # for statements alone, which no `begin` precedes
        settings["server_settings"]["plan_cache_mode"] = "force_generic_plan"
    connect = open_one if shows_all_times else partial(connecting(pooler), driver_dsn(url), **settings)
    pool = ConnectionPool(connect, size=pool_size)
    of_all_times = pool if shows_all_times else ConnectionPool(open_one, size=1)
    others = (sessions or pool_size) - (of_all_times is not pool)

    def open_sessions() -> Sessions:
        from app.db.sqlalchemy_sessions import Sessions  # noqa: PLC0415 - loads SQLAlchemy, which a worker's start does without

        return Sessions(open_one, size=max(others, 1))

    database = Database(pool, of_all_times, open_sessions)
    try:
        yield database
    finally:
        # Shielded, so that the connections are closed also when this task is cancelled.
        await asyncio.shield(database.close())


async def _open_with_all_times(url: str, pooler: Pooler, name: str) -> asyncpg.Connection[Any]:
    connection = await connecting(pooler)(driver_dsn(url), **_settings(pooler, name))
    await read_all_times(connection)
    return connection


def _settings(pooler: Pooler, name: str) -> dict[str, Any]:
    return {
        "connection_class": Connection,
        "timeout": CONNECT_TIMEOUT.total_seconds(),
        "command_timeout": STATEMENT_TIMEOUT.total_seconds() + 2,
        # 0: statements have no name, and asyncpg parses them in the same message that executes them.
        "statement_cache_size": 0 if pooler == "transaction" else 100,
        "server_settings": {"application_name": name},
    }
