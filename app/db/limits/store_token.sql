-- Keep the token and end the lease. The token lasts from the lease's beginning, which was before the fetch, by the
-- database's clock.
update access_token
set sealed_token = :sealed, fetched_at = refreshing_until - cast(:lease as interval),
    expires_at = refreshing_until - cast(:lease as interval) + cast(:life as interval), refreshing_until = null
where tenant_id = :tenant_id and refreshing_until = :mine
