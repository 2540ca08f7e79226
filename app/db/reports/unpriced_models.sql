-- The models whose price was not known, by the newest notes of these days: those that each names, a second one too. Of the
-- releases before, which named none, the writer of a note without a cost.
select distinct coalesce(named.model, newest.model) as model from (
    select model, prompt_tokens, cost_usd, content -> 'unpriced' as unpriced from enhancement
    where tenant_id = :tenant_id and model is not null
        and reserved_at >= cast(:since as date)::timestamp at time zone 'utc'
        and reserved_at < cast(:until as date)::timestamp at time zone 'utc'
    order by reserved_at desc limit :notes
) newest
left join lateral jsonb_array_elements_text(unpriced) named (model) on true
where prompt_tokens > 0 and (cost_usd is null or named.model is not null)
