-- The newest votes, each with the ticket of its note.
select job_id, is_helpful, comment, voted_at,
    (select ticket_id from delivery d where d.tenant_id = :tenant_id and d.job_id = feedback.job_id) as ticket_id
from feedback where tenant_id = :tenant_id order by voted_at desc limit :limit
