"""The table of vectors, in a database that has the extension pgvector; all else works without it.

Whoever provides the database makes the extension, as they make the roles: its control file does not call it trusted, so
an ordinary owner can't. `migrate` makes the table when it finds the extension, in whichever release that is; so it is in no
revision and not among `app.db.tables`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from app.db.migrations import execute_on
from app.db.sql import read_script
from app.db.sqlalchemy_sessions import load_text

VECTOR_TABLE: Final = "ticket_vector"

_EXTENSION: Final = load_text(__package__, "pgvector")
_TABLE: Final = read_script(__package__, VECTOR_TABLE)
# Since then an index is read on until there are enough rows of the tenant.
_LEAST: Final = (0, 8)


def make_vector_table(connection: Connection, tell: Callable[[str], None]) -> None:
    """Make the table, unless it is there or there is no pgvector. Where pgvector can't serve, *tell* gets the remedy."""
    found = connection.execute(_EXTENSION).one_or_none()
    if found is None or found.has_table:
        return
    if tuple(int(part) for part in found.version.split(".")[:2]) < _LEAST:
        tell(
            f"no vectors: pgvector {found.version} is too old. As the master user, run: alter extension vector update;"
        )
    elif not found.is_found:
        tell(
            "no vectors: pgvector is in another schema. As the master user, run: alter extension vector set schema public;"
        )
    else:
        execute_on(connection, _TABLE)
        tell("made the table for vectors, as the database has pgvector")


def is_vector_table(name: str | None, kind: str) -> bool:
    """Whether Alembic, which compares tables, speaks of it."""
    return kind == "table" and name == VECTOR_TABLE
