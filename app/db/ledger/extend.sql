-- Extend the lease, and hold the delivery for as long, unless another attempt has begun.
-- `|| ''`: so it is found by its key. In the index on the status, settled ones stay as they were until it is vacuumed.
with extended as (
    update delivery set lease_until = now() + cast(:lease as interval), updated_at = now()
    where tenant_id = :tenant_id and job_id = :job_id and attempt = :attempt and fence = :fence and status || '' = 'processing'
    returning tenant_id, job_id
)
update due set due_at = now() + cast(:lease as interval), is_leased = true
from extended
where due.tenant_id = extended.tenant_id and due.job_id = extended.job_id
returning due.job_id
