"""Add the code: why a delivery has its status, and why an attempt led to no note.

Expands only: the release before leaves both columns empty, so its rows have no code.

Revision ID: 2026_11_28_1000
Revises: 2026_11_28_0900
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_1000"
down_revision = "2026_11_28_0900"


def upgrade() -> None:
    execute_script("alter table delivery add column code text; alter table attempt add column code text")
    execute_script(f"comment on function accept_deliveries is 'schema {revision}'")
