"""Add the view `hold`: what holds a tenant's deliveries back. Workers, console and KEDA read it.

Expands only: the release before reads the table below it, whose name and columns are older than the words we use now
(a gate that is closed is a circuit that is open, a pause, or a tenant whose calls are used up).

Revision ID: 2026_11_28_1100
Revises: 2026_11_28_1000
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_1100"
down_revision = "2026_11_28_1000"

# `security_invoker`: with the rights of the role that reads it, so the table's row-level security applies.
HOLD = """
create view hold with (security_invoker = true) as
select tenant_id, cause, closed_until as until, since, failures, closed_by as by, reason,
    coalesce(closed_until > now(), false) as is_on,
    coalesce(closed_until > now(), false) and cause in ('paused', 'calls', 'help_desk') as holds_deliveries,
    coalesce(closed_until <= now(), false) and failures > 0 as is_on_trial
from gate;
grant select on hold to ai_agents_worker;
"""


def upgrade() -> None:
    execute_script(HOLD)
    execute_script(f"comment on function accept_deliveries is 'schema {revision}'")
