-- The same of :tenants, which a look before has found.
select tenant_id, job_id, is_crowded from lock_first_due(cast(cast(:tenants as text[]) as jsonb[]), false)
