-- One claim at a time for a tenant: a second one waits until the first has committed, so that both count its slots right.
select pg_advisory_xact_lock(hashtextextended(cast(:tenant_id as text), 7203003))
