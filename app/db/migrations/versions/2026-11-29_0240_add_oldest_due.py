"""Add an index by which the oldest delivery that is not settled is found, however many wait.

Expands only: the release before reads all of `due` for it, as it did.

Revision ID: 2026_11_29_0240
Revises: 2026_11_28_2345
"""

from __future__ import annotations

from alembic import op

revision = "2026_11_29_0240"
down_revision = "2026_11_28_2345"
branch_labels = None
depends_on = None

_OLDEST = "due_accepted_at_idx"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # One that is not valid may be left of an attempt that was ended.
        op.drop_index(_OLDEST, "due", postgresql_concurrently=True, if_exists=True)
        op.create_index(_OLDEST, "due", ["accepted_at"], postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index(_OLDEST, "due")
