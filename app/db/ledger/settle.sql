-- End the delivery, unless another attempt has begun.
-- `|| ''`: so it is found by its key. In the index on the status, settled ones stay as they were until it is vacuumed.
update delivery
set status = :status, code = :code, last_error = coalesce(:error, last_error), ignored_because = :because,
    lease_until = null, settled_at = now(), updated_at = now()
where tenant_id = :tenant_id and job_id = :job_id and attempt = :attempt and fence = :fence and status || '' = 'processing' returning job_id
