-- How many notes of each month (UTC) and model technicians voted helpful, and how many not. Votes are kept 90 days.
select date_trunc('month', e.reserved_at at time zone 'utc')::date as month, coalesce(e.model, '') as model,
    count(*) filter (where f.is_helpful) as helpful, count(*) filter (where not f.is_helpful) as unhelpful
from feedback f
join lateral (
    select model, reserved_at from enhancement
    where tenant_id = :tenant_id and job_id = f.job_id and note_id is not null
    order by reserved_at desc limit 1
) e on true
where f.tenant_id = :tenant_id
    -- A vote is later than its note.
    and f.voted_at >= cast(:since as date)::timestamp at time zone 'utc'
    and e.reserved_at >= cast(:since as date)::timestamp at time zone 'utc'
    and e.reserved_at < cast(:until as date)::timestamp at time zone 'utc'
group by 1, 2
