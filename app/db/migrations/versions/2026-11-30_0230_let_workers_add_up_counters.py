"""Let workers delete counters of hours: once a day is over they put its hours into one row (`add_up_hours.sql`).

Expands only: the release before adds nothing up, and reads a day's row as it reads an hour's.

Revision ID: 2026_11_30_0230
Revises: 2026_11_29_2335
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_30_0230"
down_revision = "2026_11_29_2335"


def upgrade() -> None:
    execute_script("grant delete on tally to ai_agents_worker")
