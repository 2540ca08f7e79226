-- A claim that holds the lock of one tenant never waits for another tenant's: two such claims could wait for each other
-- (a deadlock). It tries, and goes on to the next tenant.
select pg_try_advisory_xact_lock(hashtextextended(cast(:tenant_id as text), 7203003))
