"""Add `account` (which tenant is an account of which shared instance), `origin` (of which account a tenant's rows are)
and `stray` (rows that no account owns), and let the view `hold` tell an instance's holds for each of its accounts.

`access_token.fetched_at` tells how young a refused token is.

Expands only: for the release before `hold` is as it was, since no row of `account` is there until a worker of this
release writes one.

Revision ID: 2026_11_28_1300
Revises: 2026_11_28_1200
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_1300"
down_revision = "2026_11_28_1200"

TABLES = """
create table account (
    tenant_id uuid primary key,
    instance_id uuid not null
);
create index account_instance_id_idx on account (instance_id);

create table origin (
    tenant_id uuid primary key,
    instance_id uuid not null,
    account_id text,
    account_name text
);

create table stray (
    tenant_id uuid not null,
    kind text not null,
    account text not null,
    rows integer not null,
    seen_at timestamptz not null default now(),
    primary key (tenant_id, kind, account)
);

alter table access_token add column fetched_at timestamptz;
"""

ISOLATION = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy tenant_isolation on {table}
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant select, insert, update, delete on {table} to ai_agents_worker;
"""

# Ids alone: the claim, which is for all tenants, counts what is in work for an instance.
SEEN = "create policy seen_by_workers on account for select to ai_agents_worker using (true)"

# An instance's model and monitoring are no accounts'.
HOLD = """
create or replace view hold with (security_invoker = true) as
with own as (
    select tenant_id, cause, closed_until, since, failures, closed_by, reason from gate
    union all
    select account.tenant_id, gate.cause, gate.closed_until, gate.since, gate.failures, gate.closed_by, gate.reason
    from account join gate on gate.tenant_id = account.instance_id
    where gate.cause in ('paused', 'calls', 'help_desk')
)
select tenant_id, cause, closed_until as until, since, failures, closed_by as by, reason,
    coalesce(closed_until > now(), false) as is_on,
    coalesce(closed_until > now(), false) and cause in ('paused', 'calls', 'help_desk') as holds_deliveries,
    coalesce(closed_until <= now(), false) and failures > 0 as is_on_trial
from own;
"""


def upgrade() -> None:
    execute_script(TABLES)
    for table in ("account", "origin", "stray"):
        execute_script(ISOLATION.format(table=table))
    execute_script(SEEN)
    execute_script(HOLD)
