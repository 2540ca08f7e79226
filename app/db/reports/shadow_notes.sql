-- The notes that were kept back, of each ticket the latest one before it was resolved, with what became of the ticket;
-- newest first. Drafts of resolutions are left out: they repeat what technicians wrote.
select job_id, ticket_id, content, model, note_html, prompt_tokens, completion_tokens, cost_usd, duration_ms, shadowed_at,
    display_id, subject, description, status, resolution, resolved_at, is_same, judged_by
from (
    select distinct on (e.ticket_id) e.*, t.display_id, t.subject, left(t.description, 4000) as description, t.status,
        left(t.resolution, 4000) as resolution, t.resolved_at, v.is_same, v.actor as judged_by
    from enhancement e
    left join ticket t on t.tenant_id = e.tenant_id and t.id = e.ticket_id
    left join shadow_verdict v on v.tenant_id = e.tenant_id and v.ticket_id = e.ticket_id
    where e.tenant_id = :tenant_id and e.reserved_at >= :since and e.shadowed_at is not null and e.content is not null
        and jsonb_typeof(e.content -> 'closing') is distinct from 'object'
    order by e.ticket_id, e.shadowed_at < t.resolved_at desc nulls last, e.reserved_at desc
) latest
order by shadowed_at desc, ticket_id
limit :limit
