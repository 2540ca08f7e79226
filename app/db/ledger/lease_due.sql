-- The delivery is held until then, and due again afterwards.
update due set due_at = now() + cast(:lease as interval), is_leased = true
where tenant_id = :tenant_id and job_id = :job_id
