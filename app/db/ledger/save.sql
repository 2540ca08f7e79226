-- Store what was written, if the attempt still holds its delivery. Tokens and cost add up over attempts.
update enhancement
set content = cast(:content as jsonb), confidence = :confidence, model = :model,
    prompt_tokens = prompt_tokens + :prompt_tokens, completion_tokens = completion_tokens + :completion_tokens,
    cost_usd = coalesce(cost_usd + :cost_usd, :cost_usd, cost_usd), written_at = now(),
    shadowed_at = case when :is_shadowed then now() end
where tenant_id = :tenant_id and ticket_id = :ticket_id and version = :version and exists (
    select from delivery d
    where d.tenant_id = :tenant_id and d.job_id = :job_id and d.attempt = :attempt and d.status = 'processing'
) returning job_id
