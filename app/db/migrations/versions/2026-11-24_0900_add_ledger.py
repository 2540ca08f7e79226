"""Add the ledger: deliveries, `due`, enhancements, and the function by which the API stores deliveries.

The first revision: there is no release before it.

Revision ID: 2026_11_24_0900
Revises:
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_24_0900"
down_revision = None

TABLES = """
create table delivery (
    tenant_id uuid not null,
    job_id uuid not null,
    ticket_id text not null,
    event text not null,
    body bytea not null,
    status text not null default 'pending'
        constraint delivery_status_check check (status in ('pending', 'processing', 'done', 'failed', 'ignored')),
    attempt integer not null default 0,
    attempts_forgiven integer not null default 0,
    lease_until timestamptz,
    trace_context text,
    accepted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    settled_at timestamptz,
    last_error text,
    ignored_because text,
    constraint delivery_pkey primary key (tenant_id, job_id)
);
create index delivery_tenant_id_accepted_at_idx on delivery (tenant_id, accepted_at);
create index delivery_tenant_id_status_accepted_at_idx on delivery (tenant_id, status, accepted_at);
create index delivery_tenant_id_ticket_id_idx on delivery (tenant_id, ticket_id);

create table enhancement (
    tenant_id uuid not null,
    ticket_id text not null,
    version text not null,
    job_id uuid not null,
    ticket_updated_at timestamptz not null default now(),
    reserved_at timestamptz not null default now(),
    content jsonb,
    confidence text,
    model text,
    prompt_tokens bigint not null default 0,
    completion_tokens bigint not null default 0,
    cost_usd numeric(12, 6),
    duration_ms bigint,
    written_at timestamptz,
    posting_at timestamptz,
    note_id text,
    posted_at timestamptz,
    constraint enhancement_pkey primary key (tenant_id, ticket_id, version)
);
create index enhancement_tenant_id_job_id_idx on enhancement (tenant_id, job_id);
create index enhancement_tenant_id_reserved_at_idx on enhancement (tenant_id, reserved_at);

-- Ids and times of what is not settled, for workers to find work of all tenants without reading any content.
-- It lives through many updates of few rows: vacuumed early, pages kept roomy for in-page updates.
create table due (
    tenant_id uuid not null,
    job_id uuid not null,
    due_at timestamptz not null default now(),
    is_leased boolean not null default false,
    accepted_at timestamptz not null default now(),
    constraint due_pkey primary key (tenant_id, job_id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);
create index due_tenant_id_due_at_idx on due (tenant_id, due_at);
"""

# One call stores a batch; the API may execute this function and nothing else. Each pass of the loop runs in a block with
# an exception handler, which PL/pgSQL runs in a savepoint: a delivery that fails is rolled back by itself, and the others
# are stored. The function runs as the owner, who is under forced row-level security, so the tenant is set for each row.
#
# For example, three deliveries, of which the first is new, the second was stored an hour ago (same tenant and key, so the
# same job id), and the third has a value that a check constraint refuses:
#
#     delivery   `insert … on conflict do nothing`   `found`   `due`           in `failures`
#     1          a row                               true      a row, due now  null
#     2          nothing                             false     nothing         null: it is stored, the caller gets 202
#     3          error, rolled back                            nothing         23514
#
# The result is `{null, null, 23514}`; the transaction commits the first row.
ACCEPT = """
create function accept_deliveries(
    tenant_ids uuid[], job_ids uuid[], ticket_ids text[], events text[], bodies bytea[], trace_contexts text[]
) returns text[]
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    failures text[] := '{}';
begin
    for i in 1 .. cardinality(job_ids) loop
        begin
            perform set_config('app.tenant_id', tenant_ids[i]::text, true);
            insert into public.delivery (tenant_id, job_id, ticket_id, event, body, trace_context)
                values (tenant_ids[i], job_ids[i], ticket_ids[i], events[i], bodies[i], trace_contexts[i])
                on conflict do nothing;
            if found then
                insert into public.due (tenant_id, job_id) values (tenant_ids[i], job_ids[i]);
            end if;
            failures := failures || null::text;
        exception when others then
            failures := failures || sqlstate::text;
        end;
    end loop;
    perform set_config('app.tenant_id', '', true);
    return failures;
end
$$;
comment on function accept_deliveries is 'schema 2026_11_24_0900';
revoke all on function accept_deliveries from public;
grant execute on function accept_deliveries to ai_agents_intake;
"""

POLICY = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy tenant_isolation on {table}
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant {verbs} on {table} to ai_agents_worker;
"""


def upgrade() -> None:
    execute_script(TABLES)
    execute_script(POLICY.format(table="delivery", verbs="select, update"))
    execute_script(POLICY.format(table="enhancement", verbs="select, insert, update"))
    execute_script("grant select, insert, update, delete on due to ai_agents_worker")
    execute_script(ACCEPT)
