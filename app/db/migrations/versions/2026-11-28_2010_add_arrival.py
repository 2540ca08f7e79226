"""Add `arrival`: a ticket as it came in, by which like ones of the same minutes are found, and the note of a storm.

Expands only: the release before knows nothing of the table.

Revision ID: 2026_11_28_2010
Revises: 2026_11_28_2002
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_2010"
down_revision = "2026_11_28_2002"

# Words, machines, site and reporter are hashes: only whether two are equal is ever asked.
TABLE = """
create table arrival (
    tenant_id uuid not null,
    ticket_id text not null,
    number text not null,
    arrived_at timestamptz not null default now(),
    reported_at timestamptz not null,
    reporter bigint,
    site bigint,
    machines bigint[] not null default '{}',
    terms bigint[] not null default '{}',
    weights real[] not null default '{}',
    first_source text,
    storm_ticket_id text,
    note_id text,
    posting_at timestamptz,
    told integer not null default 0,
    constraint arrival_pkey primary key (tenant_id, ticket_id)
);
create index arrival_tenant_id_arrived_at_idx on arrival (tenant_id, arrived_at);
create index arrival_tenant_id_storm_ticket_id_idx on arrival (tenant_id, storm_ticket_id)
    where storm_ticket_id is not null;
alter table arrival enable row level security;
alter table arrival force row level security;
create policy tenant_isolation on arrival
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant select, insert, update, delete on arrival to ai_agents_worker;
"""


def upgrade() -> None:
    execute_script(TABLE)
