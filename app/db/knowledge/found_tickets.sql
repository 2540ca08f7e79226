-- What is shown of found tickets.
select id, display_id, subject, status, category, resolved_at, left(description, cast(:max_chars as integer)) as description,
    left(resolution, cast(:max_chars as integer)) as resolution
from ticket
where tenant_id = :tenant_id and id = any(cast(:ids as text[]))
