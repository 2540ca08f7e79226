-- Let the delivery be claimed again, unless another attempt has begun.
-- `|| ''`: so it is found by its key. In the index on the status, settled ones stay as they were until it is vacuumed.
update delivery
set status = 'pending', attempts_forgiven = attempts_forgiven + :forgiven, code = coalesce(:code, code),
    last_error = coalesce(:error, last_error), lease_until = null, updated_at = now()
where tenant_id = :tenant_id and job_id = :job_id and attempt = :attempt and fence = :fence and status || '' = 'processing' returning job_id
