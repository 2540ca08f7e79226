-- Notes with low confidence among the newest enhancements.
select job_id, ticket_id, posted_at, cost_usd from (
    select job_id, ticket_id, posted_at, cost_usd, confidence, model from enhancement
    where tenant_id = :tenant_id order by reserved_at desc limit :notes
) newest where confidence = 'low' and model is not null and posted_at is not null order by posted_at desc limit :limit
