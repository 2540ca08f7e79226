"""Check `delivery.event`: a value that the code does not know must not get in by any way.

The release before writes only what the check allows, and runs on. Rows that break it are not touched, unless a worker
may still change them: those get an event that is allowed. Nothing reads the column but lists and their filters; what
happened to the ticket is read from the body.

Revision ID: 2026_11_28_0900
Revises: 2026_11_25_1100
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_0900"
down_revision = "2026_11_25_1100"

# The owner is under row-level security too, and no tenant is set, so it is turned off for this statement. Only deliveries
# in `due` or `dead` can still change: few rows, however many deliveries there are.
MEND = """
alter table delivery no force row level security;
alter table dead no force row level security;
update delivery set event = 'ticket_updated'
from (select tenant_id, job_id from due union select tenant_id, job_id from dead) changing
where delivery.tenant_id = changing.tenant_id and delivery.job_id = changing.job_id
    and event not in ('ticket_created', 'ticket_updated', 'ticket_resolved');
alter table delivery force row level security;
alter table dead force row level security;
"""

# Not validated: settled deliveries don't change any more, and a scan of millions of rows would hold the lock.
CHECK = """
alter table delivery add constraint delivery_event_check
    check (event in ('ticket_created', 'ticket_updated', 'ticket_resolved')) not valid;
"""


def upgrade() -> None:
    execute_script(MEND)
    execute_script(CHECK)
    execute_script(f"comment on function accept_deliveries is 'schema {revision}'")
