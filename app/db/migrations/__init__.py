"""The revisions of the schema. `ai-agents migrate` applies them.

The release before a revision must work with it (expand first, contract a release later), since a rollback in Argo CD
runs no migration.
"""

from __future__ import annotations

from typing import Any, Final

from alembic import op
from sqlalchemy import Connection, func, select

# Any number, but the same in every release, so that two Jobs which migrate one database run one after the other.
ADVISORY_LOCK: Final = 7_203_001


def execute_script(sql: str) -> None:
    """Run several statements in the revision's transaction."""
    execute_on(op.get_bind(), sql)


def execute_on(connection: Connection, sql: str) -> None:
    """Run several statements in *connection*'s transaction. asyncpg prepares what SQLAlchemy executes: one at a time."""
    connection.execute(select(func.now()))  # the driver's transaction begins with the first statement
    dbapi: Any = connection.connection.dbapi_connection
    dbapi.run_async(lambda driver: driver.execute(sql))
