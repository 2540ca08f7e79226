"""Add `delivery.fence`: drawn anew by each claim, so that two attempts with one number can be told apart.

Expands only: the release before draws none, and waits for the disk before a claim counts, so none of its attempts is lost.

Revision ID: 2026_11_30_1500
Revises: 2026_11_30_0900
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_30_1500"
down_revision = "2026_11_30_0900"


def upgrade() -> None:
    execute_script("alter table delivery add column fence uuid")
