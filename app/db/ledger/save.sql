-- Store what was written, if the attempt still holds its delivery. Returns a row of nulls, and if :looks what earlier.sql does,
-- with those that arrived later too.
select * from save_enhancement(
    :tenant_id, :job_id, :attempt, :fence, :ticket_id, :version, :content, :confidence, :model, :prompt_tokens,
    :completion_tokens, :cost_usd, :is_shadowed, :first_source, :storm_ticket_id, :others,
    :looks, :window, :most, :least, :sources
)
