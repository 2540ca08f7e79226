-- Nobody holds the delivery; it is due after the wait.
update due set due_at = now() + cast(:wait as interval), is_leased = false
where tenant_id = :tenant_id and job_id = :job_id
