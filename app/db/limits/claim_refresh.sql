-- The right to fetch a new token, as a lease: one claimant gets it, while fetches are left in the window.
update access_token
set refreshing_until = clock_timestamp() + cast(:lease as interval),
    -- Those before the window are forgotten, this one is added.
    refreshes = array(select r from unnest(refreshes) r where r > clock_timestamp() - cast(:refresh_window as interval))
        || clock_timestamp()
where tenant_id = :tenant_id and (
        refreshing_until is null or refreshing_until < clock_timestamp()
        -- No lease lasts so long: the clock was set back, or the row is spoilt, and nobody would end it.
        or refreshing_until > clock_timestamp() + cast(:refresh_window as interval)
    )
    -- The token that was found wanting: if there is another by now, look again.
    and sealed_token is not distinct from :seen
    and (
        select count(*) from unnest(refreshes) r where r > clock_timestamp() - cast(:refresh_window as interval)
    ) < :max_refreshes
returning refreshing_until
