"""What neither the product nor an operator may do to the database, and a harness must."""

from __future__ import annotations

from typing import Any

from demo.embedded import DatabaseUrls
from tests.connections import connected


async def run_as_superuser(urls: DatabaseUrls, statement: str, *values: Any) -> list[Any]:
    """The rows of *statement*, on a connection of its own."""
    async with connected(urls.superuser, timeout=10) as connection:
        return list(await connection.fetch(statement, *values))
