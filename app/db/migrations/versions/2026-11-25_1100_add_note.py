"""Store each note as it was posted: a later release, or a changed tenant's file, would render it differently.

Expands only: the release before leaves the column empty.

Revision ID: 2026_11_25_1100
Revises: 2026_11_25_1000
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_25_1100"
down_revision = "2026_11_25_1000"


def upgrade() -> None:
    execute_script("alter table enhancement add column note_html text")
    execute_script(f"comment on function accept_deliveries is 'schema {revision}'")
