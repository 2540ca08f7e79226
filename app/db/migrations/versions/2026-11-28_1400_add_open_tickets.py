"""Add `ticket.is_open`, and indexes by which a requester's tickets and the open ones are found.

Expands only: the release before leaves the column empty, so nothing is said of how many tickets are open until a sync of
this release has read the list.

Revision ID: 2026_11_28_1400
Revises: 2026_11_28_1300
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

from app.db.migrations import execute_script

revision = "2026_11_28_1400"
down_revision = "2026_11_28_1300"

_BY_REQUESTER = "ticket_tenant_id_requester_idx"
_OPEN = "ticket_open_idx"


def upgrade() -> None:
    # The block below commits, so an attempt that was ended in it leaves the column, and perhaps an index that is not valid.
    execute_script("alter table ticket add column if not exists is_open boolean")
    with op.get_context().autocommit_block():
        for name in (_BY_REQUESTER, _OPEN):
            op.drop_index(name, "ticket", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            _BY_REQUESTER, "ticket", ["tenant_id", "requester", "resolved_at"], postgresql_concurrently=True
        )
        op.create_index(
            _OPEN, "ticket", ["tenant_id", "requester"], postgresql_concurrently=True, postgresql_where=text("is_open")
        )
