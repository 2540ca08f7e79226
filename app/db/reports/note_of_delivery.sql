-- What was last written for a delivery; its sources as one line, e.g. `similar_tickets 900, knowledge 50`.
select version, model, confidence, prompt_tokens, completion_tokens, cost_usd, duration_ms, written_at, shadowed_at, note_id,
    posted_at, content ->> 'prompt' as prompt, content -> 'notices' as notices, (
        select string_agg((kind ->> 'kind') || ' ' || (source ->> 'id'), ', ')
        from jsonb_array_elements(content -> 'gathered') kind, jsonb_array_elements(kind -> 'sources') source
    ) as sources
from enhancement where tenant_id = :tenant_id and job_id = :job_id order by reserved_at desc limit 1
