-- The models whose tokens are partly estimated, by the newest notes of these days: an endpoint tells them or does not.
select distinct coalesce(model, '') as model from (
    select model, content -> 'is_estimated' = 'true' as is_estimated from enhancement
    where tenant_id = :tenant_id
        and reserved_at >= cast(:since as date)::timestamp at time zone 'utc'
        and reserved_at < cast(:until as date)::timestamp at time zone 'utc'
    order by reserved_at desc limit :notes
) newest
where is_estimated
