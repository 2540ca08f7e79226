-- Count what a trial took of the model: it is paid, though nothing was posted.
insert into tally as mine (tenant_id, hour, model, prompt_tokens, completion_tokens, cost_usd)
values (:tenant_id, date_trunc('hour', now()), :model, :prompt_tokens, :completion_tokens, :cost_usd)
on conflict (tenant_id, hour, model) do update
    set prompt_tokens = mine.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = mine.completion_tokens + excluded.completion_tokens,
        cost_usd = mine.cost_usd + excluded.cost_usd
