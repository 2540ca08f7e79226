-- Tokens since the calendar month (UTC) began, from the hourly counters.
select coalesce(sum(prompt_tokens + completion_tokens), 0) from tally
where tenant_id = :tenant_id and hour >= date_trunc('month', now() at time zone 'utc') at time zone 'utc'
