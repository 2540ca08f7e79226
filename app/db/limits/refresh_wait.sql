-- How long until a fetch is left in the window; null: one is, or another worker fetches now (no row).
select (
    select min(r) + cast(:refresh_window as interval) - clock_timestamp() from (
        select r from unnest(refreshes) r where r > clock_timestamp() - cast(:refresh_window as interval)
        order by r desc limit :max_refreshes
    ) latest having count(*) >= :max_refreshes
) as wait
from access_token
where tenant_id = :tenant_id and (
        refreshing_until is null or refreshing_until < clock_timestamp()
        or refreshing_until > clock_timestamp() + cast(:refresh_window as interval)
    )
