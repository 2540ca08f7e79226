"""Add `arrival.is_outage`: whether a ticket says that something fails for all.

Expands only: the release before stores none, and its tickets are compared by their words.

Revision ID: 2026_11_30_0255
Revises: 2026_11_30_0230
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_30_0255"
down_revision = "2026_11_30_0230"


def upgrade() -> None:
    execute_script("alter table arrival add column is_outage boolean not null default false")
