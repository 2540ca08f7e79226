-- What a tenant's enhancements cost, for each day (UTC) and model; days without cost are left out.
select (hour at time zone 'utc')::date as day, model, sum(notes)::bigint as notes,
    sum(prompt_tokens)::bigint as prompt_tokens, sum(completion_tokens)::bigint as completion_tokens,
    -- Not a number, or without end: an hour that nobody can count.
    coalesce(sum(cost_usd) filter (where abs(cost_usd) < 1e15), 0) as cost_usd
from tally where tenant_id = :tenant_id
    and hour >= cast(:since as date)::timestamp at time zone 'utc' and hour < cast(:until as date)::timestamp at time zone 'utc'
group by 1, 2 having sum(notes + prompt_tokens + completion_tokens) > 0 order by 1, 2
