"""Alembic's entry: runs the revisions on the connection that `app.db.migrate` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

import app.db.tables  # noqa: F401 - fills SQLModel.metadata


def run(connection: Connection) -> None:
    """All pending revisions in one transaction: a failed one leaves the schema as it was."""
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
