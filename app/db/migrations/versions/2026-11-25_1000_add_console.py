"""Add what the console shows: attempts, hourly figures, feedback on notes, and the record of operators' acts.

Expands only: the release before writes no attempt, its settled deliveries are counted all the same (by triggers), and
it knows nothing of feedback and acts.

Revision ID: 2026_11_25_1000
Revises: 2026_11_25_0900
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_25_1000"
down_revision = "2026_11_25_0900"

TABLES = """
create table attempt (
    tenant_id uuid not null,
    job_id uuid not null,
    attempt bigint not null,
    began_at timestamptz not null,
    ended_at timestamptz not null default now(),
    outcome text not null,
    error text,
    steps jsonb not null default '[]',
    constraint attempt_pkey primary key (tenant_id, job_id, attempt)
);
create table tally (
    tenant_id uuid not null,
    hour timestamptz not null,
    model text not null,
    notes bigint not null default 0,
    context_only bigint not null default 0,
    low_confidence bigint not null default 0,
    failed bigint not null default 0,
    ignored bigint not null default 0,
    prompt_tokens bigint not null default 0,
    completion_tokens bigint not null default 0,
    cost_usd numeric not null default 0,
    constraint tally_pkey primary key (tenant_id, hour, model)
) with (fillfactor = 50);
create table feedback (
    tenant_id uuid not null,
    job_id uuid not null,
    is_helpful boolean not null,
    comment text not null default '' constraint feedback_comment_check check (length(comment) <= 2000),
    voted_at timestamptz not null default now(),
    constraint feedback_pkey primary key (tenant_id, job_id)
);
create index feedback_tenant_id_voted_at_idx on feedback (tenant_id, voted_at);
create table audit (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    acted_at timestamptz not null default now(),
    actor text not null,
    act text not null,
    number bigint not null,
    detail text not null default '',
    constraint audit_pkey primary key (tenant_id, id)
);
create index audit_tenant_id_acted_at_idx on audit (tenant_id, acted_at);
"""

ISOLATED = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy tenant_isolation on {table}
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant {rights} on {table} to ai_agents_worker;
"""
# An act and an attempt are added, never changed.
RIGHTS = {
    "attempt": "select, insert",
    "tally": "select, insert, update",
    "feedback": "select",
    "audit": "select, insert",
}

# Counts in the transaction that settles. Only what workers settle: a dismissal and a replay are acts of operators.
COUNTING = """
create function count_outcome() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    insert into public.tally as mine (tenant_id, hour, model, failed, ignored)
    values (new.tenant_id, date_trunc('hour', now()), '', (new.status = 'failed')::int, (new.status = 'ignored')::int)
    on conflict (tenant_id, hour, model) do update
        set failed = mine.failed + excluded.failed, ignored = mine.ignored + excluded.ignored;
    return null;
end
$$;
create trigger count_outcome after update on delivery for each row
    when (old.status = 'processing' and new.status in ('failed', 'ignored')) execute function count_outcome();
create function count_enhancement() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    insert into public.tally as mine
        (tenant_id, hour, model, notes, context_only, low_confidence, prompt_tokens, completion_tokens, cost_usd)
    values (new.tenant_id, date_trunc('hour', now()), coalesce(new.model, ''),
        (old.note_id is null and new.note_id is not null)::int,
        (old.note_id is null and new.note_id is not null and new.model is null)::int,
        (old.note_id is null and new.note_id is not null and new.model is not null and new.confidence = 'low')::int,
        new.prompt_tokens - old.prompt_tokens, new.completion_tokens - old.completion_tokens,
        coalesce(new.cost_usd, 0) - coalesce(old.cost_usd, 0))
    on conflict (tenant_id, hour, model) do update
        set notes = mine.notes + excluded.notes, context_only = mine.context_only + excluded.context_only,
            low_confidence = mine.low_confidence + excluded.low_confidence,
            prompt_tokens = mine.prompt_tokens + excluded.prompt_tokens,
            completion_tokens = mine.completion_tokens + excluded.completion_tokens,
            cost_usd = mine.cost_usd + excluded.cost_usd;
    return null;
end
$$;
create trigger count_enhancement after update on enhancement for each row
    when (old.note_id is null and new.note_id is not null or old.prompt_tokens <> new.prompt_tokens
        or old.completion_tokens <> new.completion_tokens or old.cost_usd is distinct from new.cost_usd)
    execute function count_enhancement();
revoke all on function count_outcome, count_enhancement from public;
"""

# The API may read no table. Through this function it stores a vote on a posted note, and learns whether the note exists.
VOTE = """
create function record_feedback(tenant uuid, job uuid, helpful boolean, words text) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    is_stored boolean;
begin
    perform set_config('app.tenant_id', tenant::text, true);
    insert into public.feedback (tenant_id, job_id, is_helpful, comment)
    select tenant, job, helpful, left(words, 2000) where exists (
        select from public.enhancement e where e.tenant_id = tenant and e.job_id = job and e.note_id is not null
    )
    on conflict (tenant_id, job_id) do update
        set is_helpful = excluded.is_helpful, comment = excluded.comment, voted_at = now();
    is_stored := found;
    perform set_config('app.tenant_id', '', true);
    return is_stored;
end
$$;
revoke all on function record_feedback from public;
grant execute on function record_feedback to ai_agents_intake;
"""

FORGET = """
create or replace function forget_settled(batch integer, out deliveries integer, out enhancements integer)
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
    {more}
    select count(*) from forgotten into deliveries;
end
$$;
"""
WITH_A_DELIVERY = """, attempts as (
        delete from public.attempt a using forgotten f where a.tenant_id = f.tenant_id and a.job_id = f.job_id
    )
    , votes as (
        delete from public.feedback v using forgotten f where v.tenant_id = f.tenant_id and v.job_id = f.job_id
    )"""


def upgrade() -> None:
    execute_script(TABLES)
    for table, rights in RIGHTS.items():
        execute_script(ISOLATED.format(table=table, rights=rights))
    execute_script(COUNTING)
    execute_script(VOTE)
    execute_script(FORGET.format(more=WITH_A_DELIVERY))
    execute_script(f"comment on function accept_deliveries is 'schema {revision}'")
