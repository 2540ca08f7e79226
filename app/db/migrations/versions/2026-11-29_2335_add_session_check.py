"""Add `console_session.checking_until`: until when a process may ask the provider again whether a session stays open.

Expands only: the release before leaves the column null, and sets `checked_at` before it asks.

Revision ID: 2026_11_29_2335
Revises: 2026_11_29_2330
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_29_2335"
down_revision = "2026_11_29_2330"


def upgrade() -> None:
    execute_script("alter table console_session add column checking_until timestamptz")
