"""What neither the product nor an operator may do to the database, and a harness must."""

from __future__ import annotations

from typing import Any

import asyncpg

from demo.embedded import DatabaseUrls


async def run_as_superuser(urls: DatabaseUrls, statement: str, *values: Any) -> list[Any]:
    """The rows of *statement*, on a connection of its own."""
    connection = await asyncpg.connect(urls.superuser, timeout=10)
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()
