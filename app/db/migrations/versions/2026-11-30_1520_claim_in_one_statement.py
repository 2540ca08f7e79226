"""A claim in one statement, which is a transaction of its own: it took four round trips.

Expands only: the release before locks the delivery by `lock_first_due` and claims it by a statement of its own, under the
same locks.

Revision ID: 2026_11_30_1520
Revises: 2026_11_30_1510
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_30_1520"
down_revision = "2026_11_30_1510"

# Lock the delivery that is next (as `lock_first_due` says), and begin an attempt. Its number is greater than that of an attempt
# which had the delivery before, and whose statements change nothing from now on; its fence is its own, also where a crash has
# lost that one. The delivery is held until the lease ends, and due again afterwards.
#
# `attempt` is null where none began: the delivery is settled, and its row in `due` is deleted; or its row can't be read or
# changed, and `fault` is the SQLSTATE. What would fail with any row is an error.
CLAIM_FIRST = """
create function claim_first(tenants jsonb[], may_wait boolean, lease interval)
returns table (
    tenant_id uuid, job_id uuid, is_crowded boolean, place integer, fault text, ticket_id text, body bytea, attempt integer,
    fence uuid, attempts_used integer, accepted_at timestamptz, trace_context text, last_error text, failing text[], open text[]
)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    found_first record;
begin
    select * into found_first from lock_first_due(tenants, may_wait);
    if not found then
        return;
    end if;
    tenant_id := found_first.tenant_id;
    job_id := found_first.job_id;
    is_crowded := found_first.is_crowded;
    place := found_first.place;
    perform set_config('synchronous_commit', 'off', true);
    begin
        with held as (
            update due set due_at = now() + lease, is_leased = true
            where tenant_id = found_first.tenant_id and job_id = found_first.job_id
        )
        update delivery d
        set status = 'processing', attempt = d.attempt + 1, fence = gen_random_uuid(), lease_until = now() + lease,
            updated_at = now()
        where d.tenant_id = found_first.tenant_id and d.job_id = found_first.job_id
            and d.status in ('pending', 'processing')
        returning d.ticket_id, d.body, d.attempt, d.fence, d.attempt - d.attempts_forgiven, d.accepted_at, d.trace_context,
            d.last_error,
            array(select cause from hold where hold.tenant_id = d.tenant_id and hold.failures > 0),
            array(select cause from hold where hold.tenant_id = d.tenant_id and hold.is_on)
        into ticket_id, body, attempt, fence, attempts_used, accepted_at, trace_context, last_error, failing, open;
        if not found then
            delete from due where tenant_id = found_first.tenant_id and job_id = found_first.job_id;
        -- Python has no such time.
        elsif accepted_at not between '0001-01-02' and '9999-12-30' then
            raise datetime_field_overflow;
        end if;
    exception when others then
        if sqlstate ~ '^(08|25|40|42|53|55|57|58)' then
            raise;
        end if;
        attempt := null;
        accepted_at := null;
        fault := sqlstate;
    end;
    return next;
end
$$;
revoke all on function claim_first from public;
grant execute on function claim_first to ai_agents_worker;
"""


def upgrade() -> None:
    execute_script(CLAIM_FIRST)
