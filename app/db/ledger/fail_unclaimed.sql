-- Settle a delivery whose row can't be read. It reads and returns none of the columns that may be at fault.
update delivery
set status = 'failed', code = :code, last_error = :error, lease_until = null, settled_at = now(), updated_at = now()
where tenant_id = :tenant_id and job_id = :job_id and status in ('pending', 'processing') returning job_id
