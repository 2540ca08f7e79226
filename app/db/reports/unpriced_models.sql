-- The models whose price was not known, by the newest notes of these days.
select distinct model from (
    select model, prompt_tokens, cost_usd from enhancement
    where tenant_id = :tenant_id and model is not null
        and reserved_at >= cast(:since as date)::timestamp at time zone 'utc'
        and reserved_at < cast(:until as date)::timestamp at time zone 'utc'
    order by reserved_at desc limit 20
) newest
where prompt_tokens > 0 and cost_usd is null
