"""A statement with no tenant set: of `due`, as a worker's role may change it, and of no other table's rows."""

from __future__ import annotations

from typing import Any

from app.db.session import Database
from app.db.sql import numbered


async def run_as_nobody(database: Database, sql: str, **values: Any) -> None:
    """Execute *sql* in a transaction of its own."""
    async with database.transaction(None) as transaction:
        await transaction.run(numbered(sql), **values)
