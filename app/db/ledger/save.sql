-- Store what was written, if the attempt still holds its delivery. Tokens and cost add up over attempts.
--
-- Later arrivals are compared with the source that fits the ticket best, and are told of the storm that it and :others are
-- of. In the order of their ids, so that two attempts that store the same storm can't wait for one another.
-- `|| ''`: so it is found by its key. In the index on the status, settled ones stay as they were until it is vacuumed.
with chosen as (
    select ticket_id from arrival
    where tenant_id = :tenant_id and ticket_id = any(cast(:others as text[]) || cast(:ticket_id as text))
        and (ticket_id = cast(:ticket_id as text) or storm_ticket_id is null)
    order by ticket_id
    for update
),
arrived as (
    update arrival
    set storm_ticket_id = coalesce(storm_ticket_id, :storm_ticket_id),
        first_source = case when arrival.ticket_id = :ticket_id then :first_source else first_source end
    from chosen
    where arrival.tenant_id = :tenant_id and arrival.ticket_id = chosen.ticket_id
        and (
            arrival.ticket_id = :ticket_id and first_source is distinct from cast(:first_source as text)
            or storm_ticket_id is null and cast(:storm_ticket_id as text) is not null
        )
)
update enhancement
set content = cast(:content as jsonb), confidence = :confidence, model = :model,
    prompt_tokens = prompt_tokens + :prompt_tokens, completion_tokens = completion_tokens + :completion_tokens,
    cost_usd = coalesce(cost_usd + :cost_usd, :cost_usd, cost_usd), written_at = now(),
    shadowed_at = case when :is_shadowed then now() end
where tenant_id = :tenant_id and ticket_id = :ticket_id and version = :version and job_id = :job_id and exists (
    select from delivery d
    where d.tenant_id = :tenant_id and d.job_id = :job_id and d.attempt = :attempt and d.fence = :fence and d.status || '' = 'processing'
) returning job_id
