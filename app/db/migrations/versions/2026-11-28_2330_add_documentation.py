"""Let `gate.cause` be `documentation`: the circuit of a tenant's server of documentation.

Expands only: the release before writes the other causes and leaves out one that it does not know. Not validated, as the
rows that are there fit the check before.

Revision ID: 2026_11_28_2330
Revises: 2026_11_28_2011
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_2330"
down_revision = "2026_11_28_2011"

CHECK = """
-- The wider check below takes its place.
-- squawk-ignore ban-drop-constraint
alter table gate drop constraint gate_cause_check;
alter table gate add constraint gate_cause_check
    check (cause in ('paused', 'help_desk', 'calls', 'model', 'monitoring', 'documentation')) not valid;
"""


def upgrade() -> None:
    execute_script(CHECK)
