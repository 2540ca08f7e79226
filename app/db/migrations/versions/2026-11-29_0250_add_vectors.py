"""Mark from when on `migrate` makes the table `ticket_vector`, in a database that has pgvector (`app.db.pgvector`).

It changes nothing: by it the release before takes the schema for one that is ahead, and does not miss the table among its
own. That release leaves the table alone; of a ticket that it removes the key takes the vectors too.

Revision ID: 2026_11_29_0250
Revises: 2026_11_29_0240
"""

from __future__ import annotations

revision = "2026_11_29_0250"
down_revision = "2026_11_29_0240"


def upgrade() -> None:
    """Nothing."""
