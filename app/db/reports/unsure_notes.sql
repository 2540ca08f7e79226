-- Notes with low confidence among the newest enhancements. Drafts of resolutions have none.
select job_id, ticket_id, posted_at from (
    select job_id, ticket_id, posted_at, confidence, model, content from enhancement
    where tenant_id = :tenant_id order by reserved_at desc limit :notes
) newest where confidence = 'low' and model is not null and posted_at is not null
    and jsonb_typeof(content -> 'closing') is distinct from 'object'
order by posted_at desc limit :limit
