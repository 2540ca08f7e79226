"""Add `shadow_verdict`: whether a person says that a note of shadow mode told the fix that was made.

Expands only: the release before knows nothing of the table.

Revision ID: 2026_11_28_2002
Revises: 2026_11_28_2001
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_2002"
down_revision = "2026_11_28_2001"

TABLE = """
create table shadow_verdict (
    tenant_id uuid not null,
    ticket_id text not null,
    is_same boolean not null,
    actor text not null,
    judged_at timestamptz not null default now(),
    constraint shadow_verdict_pkey primary key (tenant_id, ticket_id)
);
alter table shadow_verdict enable row level security;
alter table shadow_verdict force row level security;
create policy tenant_isolation on shadow_verdict
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant select, insert, update, delete on shadow_verdict to ai_agents_worker;
"""


def upgrade() -> None:
    execute_script(TABLE)
