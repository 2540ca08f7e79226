"""What all connections to PostgreSQL share: URL, time limits, settings, and which errors are temporary.

Invariant: nothing that a role has set for its own sessions (`alter role … set`) holds in ours. PostgreSQL lets each role
do that, so whoever has a role's password could stop the product for good. What is set for the server or the database
holds, e.g. a provider's `default_transaction_read_only` when the disk is full. Behind PgBouncer in transaction mode the
pool's `connect_query` does the same (docs/configuration.md).

It uses the driver asyncpg only, so that the API's process does not load SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, Literal

import asyncpg

from app.errors import DatabaseUnavailable

Pooler = Literal["none", "transaction"]

CONNECT_TIMEOUT: Final = timedelta(seconds=5)
STATEMENT_TIMEOUT: Final = timedelta(seconds=15)
STATEMENT_TIMEOUT_MS: Final = str(int(STATEMENT_TIMEOUT.total_seconds() * 1000))
"""As PostgreSQL's setting takes it."""

# SQLSTATE classes: connection, insufficient resources (disk, memory, connections), operator intervention, system
# error; then lock_not_available, deadlock, serialization failure, read-only transaction (a standby).
_PASSING_CLASSES: Final = ("08", "53", "57", "58")
READ_ONLY: Final = "25006"
_PASSING_STATES: Final = {"55P03", "40P01", "40001", READ_ONLY}

# Sent with the login: those by which a role could end a session before its first statement, or keep that waiting.
_AT_LOGIN: Final = {
    "statement_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_deferrable": "off",
    "local_preload_libraries": "",
}
_SINCE_17: Final = {"transaction_timeout": "0"}
# The three of a transaction can't be set here, and begin anew with each.
_UNDO: Final = (
    "select pg_catalog.set_config(name, boot_val, false) from pg_catalog.pg_settings"
    " where source in ('user', 'database user') and context = 'user'"
    " and name not in ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable')"
)


# Types below this number are PostgreSQL's own, and the same in each database.
_FIRST_OF_OTHERS: Final = 16_384
_own_types: Final[dict[tuple[int, ...], Any]] = {}


class Connection(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
    """Asks what PostgreSQL's own types are, e.g. arrays of numbers, once in a process.

    The driver asks on each connection: 9 ms of PostgreSQL's CPU and 6 of ours for a worker's statements. Its method is
    not public; should it be renamed, this one is not called.
    """

    async def _introspect_types(self, typeoids: Iterable[int], timeout: float) -> Any:  # noqa: ASYNC109 - the driver's
        numbers = tuple(sorted(typeoids))
        known = _own_types.get(numbers)
        if known is None:
            known = await super()._introspect_types(numbers, timeout)
            if numbers[-1] < _FIRST_OF_OTHERS:
                _own_types[numbers] = known
        return known


class PooledConnection(Connection):
    """Leaves out the pool's reset, a round trip that would bring the role's own settings back.

    No state of ours outlives a transaction.
    """

    def get_reset_query(self) -> str:
        return ""


async def connect(*args: Any, server_settings: Mapping[str, str], **options: Any) -> asyncpg.Connection[Any]:
    """Like `asyncpg.connect`, without what the role has set for its own sessions."""
    try:
        settings = {**server_settings, **_AT_LOGIN, **_SINCE_17}
        connection = await asyncpg.connect(*args, server_settings=settings, **options)
    except asyncpg.UndefinedObjectError:  # PostgreSQL 16
        connection = await asyncpg.connect(*args, server_settings={**server_settings, **_AT_LOGIN}, **options)
    except asyncpg.ProtocolViolationError:  # PgBouncer in session mode takes none of them
        connection = await asyncpg.connect(*args, server_settings=server_settings, **options)
    try:
        await connection.execute(_UNDO, timeout=CONNECT_TIMEOUT.total_seconds())
    except BaseException:
        connection.terminate()
        raise
    return connection


def connecting(pooler: Pooler) -> Any:
    """The function to connect with: PgBouncer refuses settings at the login, and mixes up those of a session."""
    return asyncpg.connect if pooler == "transaction" else connect


def driver_dsn(url: str) -> str:
    """*url* as asyncpg reads it: it understands `?sslmode=…` itself, but not SQLAlchemy's scheme."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


DRIVER_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What the driver raises."""


def is_passing(error: BaseException) -> bool:
    """Whether *error* comes from the state of PostgreSQL and not from the statement, so that a retry may work."""
    # The schema changed since a statement was prepared; or a connection was cut while nothing was asked, which the driver
    # notices in the middle of the next statement and calls an error of its own.
    if isinstance(error, asyncpg.InvalidCachedStatementError | asyncpg.InternalClientError):
        return True
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state.startswith(_PASSING_CLASSES) or state in _PASSING_STATES
    return isinstance(error, OSError | TimeoutError | asyncpg.InterfaceError)


def is_read_only(error: BaseException) -> bool:
    """Whether *error* says that nothing can be written on this connection, e.g. after a failover or while a disk is full.

    It stays so for as long as the connection lives: an old primary goes on as a standby. A new one may lead elsewhere.
    """
    return getattr(error, "sqlstate", None) == READ_ONLY


def refuses_login(error: BaseException) -> bool:
    """Whether PostgreSQL does not let our role in (class 28): its password was changed, and the new one comes by a restart.

    Also of an error that SQLAlchemy has wrapped.
    """
    return str(getattr(getattr(error, "orig", error), "sqlstate", "")).startswith("28")


def unavailable(error: BaseException) -> DatabaseUnavailable:
    """The error to raise for *error*. It leaves out the driver's text, which may quote a row."""
    return DatabaseUnavailable(f"PostgreSQL can't be used now ({type(error).__name__})")
