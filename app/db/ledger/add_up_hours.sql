-- Put the hours of each day (UTC) that is over into one row, at the day's first hour: else a month of a tenant is 700 rows, each
-- on a page of its own. The console's chart shows 24 hours; later only days are asked for. An hour whose cost nobody can count
-- stays as it is, and so does a day that begins with one: nothing can be added to that.
with hours as (
    delete from tally
    where tenant_id = :tenant_id and hour < date_trunc('day', now() - interval '24 hours', 'utc')
        and hour <> date_trunc('day', hour, 'utc') and abs(cost_usd) < 1e15
        and not exists (
            select from tally first
            where first.tenant_id = :tenant_id and first.hour = date_trunc('day', tally.hour, 'utc') and first.model = tally.model
                and abs(first.cost_usd) >= 1e15
        )
    returning *
)
insert into tally as mine
    (tenant_id, hour, model, notes, context_only, low_confidence, failed, ignored, prompt_tokens, completion_tokens, cost_usd)
select tenant_id, date_trunc('day', hour, 'utc'), model, sum(notes), sum(context_only), sum(low_confidence), sum(failed),
    sum(ignored), sum(prompt_tokens), sum(completion_tokens), sum(cost_usd)
from hours
group by 1, 2, 3
on conflict (tenant_id, hour, model) do update
    set notes = mine.notes + excluded.notes, context_only = mine.context_only + excluded.context_only,
        low_confidence = mine.low_confidence + excluded.low_confidence, failed = mine.failed + excluded.failed,
        ignored = mine.ignored + excluded.ignored, prompt_tokens = mine.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = mine.completion_tokens + excluded.completion_tokens, cost_usd = mine.cost_usd + excluded.cost_usd
