"""Add `source_vote` (which sources a vote is about) and `source_reset` (whose votes an operator has taken back).

Expands only: the release before stores votes as it did, and the trigger adds and removes their sources. Votes from before
count for no source.

Revision ID: 2026_11_28_2001
Revises: 2026_11_28_2000
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_2001"
down_revision = "2026_11_28_2000"

TABLES = """
create table source_vote (
    tenant_id uuid not null,
    job_id uuid not null,
    kind text not null constraint source_vote_kind_check check (kind in ('ticket', 'article')),
    source_id text not null,
    is_helpful boolean not null,
    voted_at timestamptz not null,
    constraint source_vote_pkey primary key (tenant_id, job_id, kind, source_id)
);
create index source_vote_tenant_id_kind_source_id_idx on source_vote (tenant_id, kind, source_id);
create table source_reset (
    tenant_id uuid not null,
    kind text not null constraint source_reset_kind_check check (kind in ('ticket', 'article')),
    source_id text not null,
    reset_at timestamptz not null default now(),
    actor text not null,
    constraint source_reset_pkey primary key (tenant_id, kind, source_id)
);
"""

ISOLATED = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy tenant_isolation on {table}
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant {rights} on {table} to ai_agents_worker;
"""

# A vote is about the sources that the note cites; about some of them only if its comment names these, e.g. "T2 is out of
# date". It runs in the transaction that stores, changes or forgets the vote.
KEEPING = """
create function keep_source_votes() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    if tg_op <> 'INSERT' then
        delete from public.source_vote where tenant_id = old.tenant_id and job_id = old.job_id;
    end if;
    if tg_op = 'DELETE' then
        return null;
    end if;
    insert into public.source_vote (tenant_id, job_id, kind, source_id, is_helpful, voted_at)
    with cited as (
        select case source ->> 'kind' when 'similar_tickets' then 'ticket' else 'article' end as kind,
            source ->> 'id' as id, source ->> 'ref' as ref,
            source ->> 'ref' in (
                select upper(named[1]) from regexp_matches(new.comment, '\\m([tk][0-9]{1,2})\\M', 'gi') named
            ) as is_named
        from public.enhancement e
        cross join lateral jsonb_path_query(e.content, '$.gathered[*].sources[*]') source
        where e.tenant_id = new.tenant_id and e.job_id = new.job_id
            and source ->> 'kind' in ('similar_tickets', 'knowledge') and source ->> 'id' is not null
            and source ->> 'ref' in (
                select ref #>> '{}' from jsonb_path_query(e.content, '$.*[*].citations[*]') ref
                union all
                select ref #>> '{}' from jsonb_path_query(e.content, '$.summary_citations[*]') ref
            )
    )
    select distinct new.tenant_id, new.job_id, kind, id, new.is_helpful, new.voted_at
    from cited
    where is_named or not exists (select from cited where is_named)
    on conflict do nothing;
    return null;
end
$$;
create trigger keep_source_votes after insert or update or delete on feedback for each row
    execute function keep_source_votes();
revoke all on function keep_source_votes from public;
"""


def upgrade() -> None:
    execute_script(TABLES)
    execute_script(ISOLATED.format(table="source_vote", rights="select"))
    execute_script(ISOLATED.format(table="source_reset", rights="select, insert, update, delete"))
    execute_script(KEEPING)
