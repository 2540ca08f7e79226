"""Add `console_session`: when a session of the console was last used and checked, and whether it was ended.

Expands only: the release before knows nothing of the table, and its console keeps sessions in cookies alone.

Revision ID: 2026_11_28_1510
Revises: 2026_11_28_1500
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_1510"
down_revision = "2026_11_28_1500"

# A session is of no tenant: its id is the one of all zeros.
TABLE = """
create table console_session (
    tenant_id uuid not null,
    id text not null,
    sealed text,
    began_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    checked_at timestamptz not null default now(),
    ended_at timestamptz,
    constraint console_session_pkey primary key (tenant_id, id)
);
alter table console_session enable row level security;
alter table console_session force row level security;
create policy tenant_isolation on console_session
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant select, insert, update, delete on console_session to ai_agents_worker;
"""


def upgrade() -> None:
    execute_script(TABLE)
