"""Lock the delivery that is next in one statement: a claim took a round trip for each step.

A function, because slots are counted in a snapshot that is taken once the tenant's lock is held: each of its statements
takes one of its own, as those of a transaction do, while all parts of one statement see the same.

Expands only: the release before does the same steps by itself, under the same locks.

Revision ID: 2026_11_30_0900
Revises: 2026_11_30_0255
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_30_0900"
down_revision = "2026_11_30_0255"

# `tenants` are rows of due_tenants.sql as JSON. Of each in turn, unless another claim holds its lock, the delivery that is
# due longest is looked for, if a slot is free; the first one found is locked and returned. The tenant is set for the rest of
# the transaction.
#
# One claim at a time for a tenant, or for an instance and its accounts, which share its slots ("owner"): a second one that
# waited while it holds another's lock could wait for a claim that waits for it. It waits only if it holds none, since other
# claims hold them all, and `may_wait`: for the first tenant, lest a slot stay free.
#
# `place`: of the tenant among `tenants`. `is_crowded`: more deliveries are due than slots are free, so rings for them found
# nothing to claim. E.g. with 4 slots, 3 in work and 2 due: one is locked, and is_crowded is true, since 2 > 4 - 3.
LOCK_FIRST_DUE = """
create function lock_first_due(tenants jsonb[], may_wait boolean)
returns table (tenant_id uuid, job_id uuid, is_crowded boolean, place integer)
language plpgsql as $$
#variable_conflict use_column
declare
    tenant record;
    busy uuid[] := '{}';
    is_first boolean := true;
begin
    for tenant in
        select its.*, coalesce(its.instance_id, its.tenant_id) as owner_id, given.place, given.is_last
        from (
            select value, place::integer as place, false as is_last
            from unnest(tenants) with ordinality each (value, place)
            union all
            select tenants[1], 1, true where may_wait and cardinality(tenants) > 0
        ) given
        cross join lateral jsonb_to_record(given.value) its (
            tenant_id uuid, slots integer, instance_id uuid, desk_slots integer
        )
        order by given.is_last, given.place
    loop
        if tenant.is_last then
            exit when not is_first;
            perform pg_advisory_xact_lock(hashtextextended(tenant.owner_id::text, 7203003));
        elsif tenant.owner_id = any(busy) then
            continue;
        elsif not pg_try_advisory_xact_lock(hashtextextended(tenant.owner_id::text, 7203003)) then
            busy := busy || tenant.owner_id;
            continue;
        end if;
        is_first := false;
        perform set_config('app.tenant_id', tenant.tenant_id::text, true);
        return query
            select due.tenant_id, due.job_id,
                (select count(*) from (
                    select from due waiting
                    where waiting.tenant_id = tenant.tenant_id and waiting.due_at <= now() limit tenant.slots + 1
                ) waiting) > tenant.slots - leased.number,
                tenant.place
            from due
            cross join (
                select count(*) as number from due held
                where held.tenant_id = tenant.tenant_id and held.is_leased and held.due_at > now()
            ) leased
            where due.tenant_id = tenant.tenant_id and due.due_at <= now() and leased.number < tenant.slots
                -- A hold may have begun since the tenant was found.
                and not exists (
                    select from hold
                    where hold.holds_deliveries
                        and hold.tenant_id in (tenant.tenant_id, '00000000-0000-0000-0000-000000000000')
                )
                -- Of a shared instance, its own deliveries and all its accounts' together.
                and (tenant.instance_id is null or tenant.desk_slots > (
                    select count(*) from due in_work
                    left join account on account.tenant_id = in_work.tenant_id
                    where coalesce(account.instance_id, in_work.tenant_id) = tenant.instance_id
                        and in_work.is_leased and in_work.due_at > now()
                ))
            order by due.due_at limit 1 for update of due skip locked;
        exit when found;
    end loop;
end
$$;
revoke all on function lock_first_due from public;
grant execute on function lock_first_due to ai_agents_worker;
"""


def upgrade() -> None:
    execute_script(LOCK_FIRST_DUE)
