"""Whether a database is as this image wants it: `ai-agents migrate --check`. Nothing is changed."""

from __future__ import annotations

import warnings

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

import app.db.tables  # noqa: F401 - fills SQLModel.metadata
from app.db.connection import unavailable
from app.db.migrate import MissingRole, Tell, check_roles, known_revisions, makers
from app.db.pgvector import is_vector_table
from app.db.sqlalchemy_sessions import create_owner_engine, is_passing
from app.errors import AppError, Rejected


class SchemaDiffers(Rejected):
    """The schema is not what this image wants."""


async def check_schema(url: str, *, tell: Tell) -> None:
    """Compare schema, tables and roles with what this image wants, in a transaction that can change nothing.

    Raises:
        DatabaseUnavailable: No connection.
        SchemaDiffers: It is behind, or somebody has changed a table by hand.
        MissingRole: With what mends it.
    """
    engine = create_owner_engine(url, name="ai-agents migrate --check")
    try:
        async with engine.connect() as connection:
            await connection.execute(text("set transaction read only"))
            await connection.run_sync(_check, tell)
    except AppError:
        raise
    except Exception as error:
        if is_passing(error):
            raise unavailable(error) from error
        raise
    finally:
        await engine.dispose()


def _check(connection: Connection, tell: Tell) -> None:
    head, known = known_revisions()
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None or (current != head and current in known):
        raise SchemaDiffers(f"the schema is at {current or 'nothing'}, and this image wants {head}: run migrate")
    check_roles(connection)
    if found := makers(connection):
        raise MissingRole(f"{' and '.join(found)} can make tables: run migrate, which takes that back")
    if current != head:
        tell(f"the schema ({current}) is ahead of this image ({head}); the roles are right")
        return
    if differences := _differences(connection):
        raise SchemaDiffers(f"the schema is at {head}, and its tables are not: {'; '.join(differences[:5])}")
    tell(f"the schema is at {head}, its tables are those of this image, and the roles are right")


def _differences(connection: Connection) -> list[str]:
    """What of the tables is not as the code has it."""
    opts = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, kind, _: not is_vector_table(name, kind),
    }
    context = MigrationContext.configure(connection, opts=opts)
    with warnings.catch_warnings():
        # SQLAlchemy 2.1 does not know what it reflected itself of a check that is not validated.
        warnings.filterwarnings("ignore", "Can't validate argument 'dialect_options'")
        return [str(each) for each in compare_metadata(context, SQLModel.metadata)]
