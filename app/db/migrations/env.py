"""Alembic's entry: runs the revisions on the connection that `app.db.migrate` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection


def run(connection: Connection) -> None:
    """All pending revisions in one transaction: a failed one leaves the schema as it was."""
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
