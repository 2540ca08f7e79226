"""Add indexes by which the oldest delivery that is not settled, and a tenant's latest open tickets, are found.

Expands only: the release before reads all of `due`, or all open tickets of the tenant, for them, as it did.

Revision ID: 2026_11_29_0240
Revises: 2026_11_28_2345
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "2026_11_29_0240"
down_revision = "2026_11_28_2345"

_OLDEST = "due_accepted_at_idx"
_LATEST_OPEN = "ticket_latest_open_idx"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # One that is not valid may be left of an attempt that was ended.
        for name, table in ((_OLDEST, "due"), (_LATEST_OPEN, "ticket")):
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
        op.create_index(_OLDEST, "due", ["accepted_at"], postgresql_concurrently=True)
        op.create_index(
            _LATEST_OPEN,
            "ticket",
            ["tenant_id", text("created_at desc nulls last")],
            postgresql_concurrently=True,
            postgresql_where=text("is_open"),
        )
