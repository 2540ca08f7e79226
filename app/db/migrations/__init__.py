"""The schema's history. `ai-agents migrate` takes it to the newest revision.

Every revision keeps the release before it working (expand first, contract a release later): an Argo CD rollback runs
no migration.
"""

from __future__ import annotations

from typing import Any, Final

from alembic import op
from sqlalchemy import text

# Any number, the same in every release: two Jobs that migrate one database queue up on it.
ADVISORY_LOCK: Final = 7_203_001


def execute_script(sql: str) -> None:
    """Run several statements in the revision's transaction. asyncpg prepares what Alembic executes: one at a time."""
    bind = op.get_bind()
    bind.execute(text("select 1"))  # the driver's transaction begins with the first statement
    dbapi: Any = bind.connection.dbapi_connection
    dbapi.run_async(lambda connection: connection.execute(sql))
