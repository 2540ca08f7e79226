-- Votes with the note that they are about, its ticket, and how that was resolved; oldest first, from a key on.
select f.job_id, f.is_helpful, f.comment, f.voted_at, e.ticket_id, e.content, e.model, e.posted_at, d.body,
    t.subject, left(t.description, 32000) as description, left(t.resolution, 32000) as resolution, t.resolved_at
from (
    select * from feedback
    where tenant_id = :tenant_id and voted_at >= :since and (voted_at, job_id) > (:after_at, :after_id)
    order by voted_at, job_id
    limit :limit
) f
left join lateral (
    select ticket_id, content, model, posted_at from enhancement
    where tenant_id = :tenant_id and job_id = f.job_id and content is not null
    order by reserved_at desc limit 1
) e on true
left join delivery d on d.tenant_id = :tenant_id and d.job_id = f.job_id
left join ticket t on t.tenant_id = :tenant_id and t.id = e.ticket_id
order by f.voted_at, f.job_id
