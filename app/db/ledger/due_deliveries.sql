-- Deliveries that could be claimed and have been due for a while, of each tenant no more than it has slots free: a
-- worker that reads one more ring would find nothing to claim.
select tenant.tenant_id, waiting.job_id
from unnest(cast(:tenant_ids as uuid[]), cast(:free as integer[])) as tenant (tenant_id, free)
cross join lateral (
    select job_id, due_at from due
    where due.tenant_id = tenant.tenant_id and due.due_at <= now() - cast(:due_for as interval)
    order by due.due_at limit tenant.free
) waiting
order by waiting.due_at limit :limit
