-- A tenant's figures for the console, in one round trip: an hour's rows through their indexes, and the hourly counters.
select
    (select coalesce(jsonb_object_agg(minute, number), '{}') from (
        select floor(extract(epoch from now() - accepted_at) / 60)::int as minute, count(*) as number from delivery
        where tenant_id = :tenant_id and accepted_at > now() - cast(:minutes as integer) * interval '1 minute' group by 1
    ) accepted) as accepted,
    (select array_agg(duration_ms) from (
        select duration_ms from enhancement
        where tenant_id = :tenant_id and reserved_at > now() - interval '1 hour' and duration_ms is not null
        order by reserved_at desc limit 5000
    ) lately) as durations,
    (select max(accepted_at) from delivery where tenant_id = :tenant_id) as last_webhook,
    (select code from delivery where tenant_id = :tenant_id and status = 'failed' order by accepted_at desc limit 1)
        as last_failure,
    (select max(coalesce(seen_up_to, listed_at)) from sync_cursor where tenant_id = :tenant_id) as last_sync,
    (select jsonb_agg(h) from (
        select (extract(epoch from date_trunc('hour', now()) - hour) / 3600)::int as age, sum(notes)::int as notes,
            sum(context_only)::int as context_only, sum(failed)::int as failed, sum(ignored)::int as ignored
        from tally where tenant_id = :tenant_id and hour > date_trunc('hour', now()) - cast(:hours as integer) * interval '1 hour'
        group by hour
    ) h) as hours,
    exists (
        select from (
            select model, prompt_tokens, cost_usd, content -> 'unpriced' as unpriced from enhancement
            where tenant_id = :tenant_id order by reserved_at desc limit :notes
        ) newest
        where model is not null and prompt_tokens > 0 and cost_usd is null or jsonb_array_length(unpriced) > 0
    ) as is_unpriced
