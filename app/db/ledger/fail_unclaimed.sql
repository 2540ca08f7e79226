-- Settle a delivery that can't be claimed for what its row holds: no column is touched that could be what can't be read.
update delivery
set status = 'failed', code = :code, last_error = :error, lease_until = null, settled_at = now(), updated_at = now()
where tenant_id = :tenant_id and job_id = :job_id and status in ('pending', 'processing') returning job_id
