"""Add `ticket.subcategory`, `ticket.group` and `ticket.technician`, which are suggested for new tickets.

Expands only: the release before leaves them empty, and the next sync of this release fills them.

Revision ID: 2026_11_28_2011
Revises: 2026_11_28_2010
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_2011"
down_revision = "2026_11_28_2010"

COLUMNS = ("subcategory", '"group"', "technician")


def upgrade() -> None:
    for column in COLUMNS:
        execute_script(f"alter table ticket add column {column} text not null default ''")
