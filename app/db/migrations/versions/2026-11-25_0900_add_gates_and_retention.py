"""Add gates, which hold a tenant's deliveries back, the list of dead deliveries, and the function that forgets old ones.

Expands only: the release before ignores gates, and does not add its failed deliveries to the list.

Revision ID: 2026_11_25_0900
Revises: 2026_11_24_0910
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_25_0900"
down_revision = "2026_11_24_0910"

# Workers choose among all tenants, so they may read all rows: ids, times and an operator's reason, no content. They may
# change only rows of the tenant that is set. The id 00000000-… means all tenants.
GATE = """
create table gate (
    tenant_id uuid not null,
    cause text not null
        constraint gate_cause_check check (cause in ('paused', 'help_desk', 'calls', 'model', 'monitoring')),
    closed_until timestamptz,
    failures integer not null default 0,
    since timestamptz not null default now(),
    closed_by text,
    reason text,
    constraint gate_pkey primary key (tenant_id, cause)
) with (fillfactor = 50);
alter table gate enable row level security;
alter table gate force row level security;
create policy tenant_isolation on gate
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy seen_by_workers on gate for select to ai_agents_worker using (true);
grant select, insert, update, delete on gate to ai_agents_worker;
"""

# Failed deliveries that no operator has replayed or dismissed: ids and times, to be counted over all tenants.
DEAD = """
create table dead (
    tenant_id uuid not null,
    job_id uuid not null,
    failed_at timestamptz not null default now(),
    constraint dead_pkey primary key (tenant_id, job_id)
);
alter table dead enable row level security;
alter table dead force row level security;
create policy tenant_isolation on dead
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy seen_by_workers on dead for select to ai_agents_worker using (true);
grant select, insert, delete on dead to ai_agents_worker;
"""

# A worker may not delete deliveries. Through this function it deletes old ones of the tenant that is set, since the owner
# is under row-level security too. What is not settled is kept, however old.
FORGET = """
create function forget_settled(batch integer, out deliveries integer, out enhancements integer)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    with old as (
        select tenant_id, ticket_id, version from public.enhancement e
        where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
            and reserved_at < now() - interval '90 days'
            and not exists (select from public.due where due.tenant_id = e.tenant_id and due.job_id = e.job_id)
        order by reserved_at limit batch for update skip locked
    )
    delete from public.enhancement e using old
    where e.tenant_id = old.tenant_id and e.ticket_id = old.ticket_id and e.version = old.version;
    get diagnostics enhancements = row_count;
    with old as (
        select tenant_id, job_id from public.delivery
        where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
            and accepted_at < now() - interval '90 days' and settled_at < now() - interval '1 day'
        order by accepted_at limit batch for update skip locked
    )
    , forgotten as (
        delete from public.delivery d using old where d.tenant_id = old.tenant_id and d.job_id = old.job_id
        returning d.tenant_id, d.job_id
    )
    , buried as (
        delete from public.dead using forgotten f where dead.tenant_id = f.tenant_id and dead.job_id = f.job_id
    )
    select count(*) from forgotten into deliveries;
end
$$;
revoke all on function forget_settled from public;
grant execute on function forget_settled to ai_agents_worker;
"""

# So that deleted rows are vacuumed within the hour, and not only when a fifth of five million rows is dead.
VACUUM = """
alter table delivery set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
alter table enhancement set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
"""


def upgrade() -> None:
    execute_script(GATE)
    execute_script(DEAD)
    execute_script(FORGET)
    execute_script(VACUUM)
    execute_script(f"comment on function accept_deliveries is 'schema {revision}'")
