"""Check that the id of all zeros, under which a row holds back every tenant, has no row in `gate` but the pause.

The release before writes other rows under it only where a tenant's file has this id, which from now on is refused:
that tenant's calls then fail, and no other's.

Revision ID: 2026_11_29_2330
Revises: 2026_11_29_0250
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_29_2330"
down_revision = "2026_11_29_0250"

# The owner is under row-level security too, and no tenant is set, so it is turned off for this statement.
CHECK = """
alter table gate no force row level security;
delete from gate where tenant_id = '00000000-0000-0000-0000-000000000000' and cause <> 'paused';
alter table gate force row level security;
alter table gate add constraint gate_every_tenant_check
    check (tenant_id <> '00000000-0000-0000-0000-000000000000' or cause = 'paused') not valid;
"""


def upgrade() -> None:
    execute_script(CHECK)
