"""What all connections to PostgreSQL share: URL, time limits, and which errors are temporary.

It uses the driver asyncpg only, so that the API's process does not load SQLAlchemy.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

import asyncpg

from app.errors import DatabaseUnavailable

Pooler = Literal["none", "transaction"]

CONNECT_TIMEOUT: Final = timedelta(seconds=5)

# SQLSTATE classes: connection, insufficient resources (disk, memory, connections), operator intervention, system
# error; then lock_not_available, deadlock, serialization failure, read-only transaction (a standby).
_PASSING_CLASSES: Final = ("08", "53", "57", "58")
_PASSING_STATES: Final = {"55P03", "40P01", "40001", "25006"}


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


def unavailable(error: BaseException) -> DatabaseUnavailable:
    """The error to raise for *error*. It leaves out the driver's text, which may quote a row."""
    return DatabaseUnavailable(f"PostgreSQL can't be used now ({type(error).__name__})")
