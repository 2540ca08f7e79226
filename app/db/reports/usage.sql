-- What a tenant's enhancements took since the day and since the calendar month (UTC) began, from the counters. Where :known is
-- today, only of today: what the month's earlier days took is known then.
select today, cast(:known as date) is not distinct from today as is_of_today,
    coalesce(sum(tokens) filter (where is_today), 0)::bigint as tokens_today, coalesce(sum(tokens), 0)::bigint as tokens,
    -- Not a number, or without end: an hour that nobody can count.
    coalesce(sum(cost_usd) filter (where is_today and abs(cost_usd) < 1e15), 0) as usd_today,
    coalesce(sum(cost_usd) filter (where abs(cost_usd) < 1e15), 0) as usd
from (select (now() at time zone 'utc')::date as today) clock
left join (
    select prompt_tokens + completion_tokens as tokens, cost_usd,
        hour >= date_trunc('day', now() at time zone 'utc') at time zone 'utc' as is_today
    from tally
    where tenant_id = :tenant_id and hour >= date_trunc(
        case when cast(:known as date) = (now() at time zone 'utc')::date then 'day' else 'month' end,
        now() at time zone 'utc'
    ) at time zone 'utc'
) hours on true
group by today
