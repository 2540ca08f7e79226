-- As lock_tenant, but it does not wait. A claim that waited for one tenant while it holds another's lock could wait for a
-- claim that waits for it (a deadlock); and many claims at once would wait for one tenant while others have deliveries due.
select pg_try_advisory_xact_lock(hashtextextended(cast(:owner_id as text), 7203003)) as is_locked,
    set_config('app.tenant_id', cast(:tenant_id as text), true)
