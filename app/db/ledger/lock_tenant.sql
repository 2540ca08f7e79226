-- One claim at a time for a tenant, or for an instance and its accounts: a second one waits until the first has committed,
-- so that both count its slots right. The rest of the transaction is the tenant's.
select pg_advisory_xact_lock(hashtextextended(cast(:owner_id as text), 7203003)),
    set_config('app.tenant_id', cast(:tenant_id as text), true)
