-- Extend the lease, unless another attempt has begun.
update delivery set lease_until = now() + cast(:lease as interval), updated_at = now()
where tenant_id = :tenant_id and job_id = :job_id and attempt = :attempt and status = 'processing' returning job_id
