-- What rank.sql returns of tickets, for the note.
select id as shown_id, display_id, subject, status, category, subcategory, priority, "group", technician, resolved_at,
    left(description, cast(:max_chars as integer)) as description, left(resolution, cast(:max_chars as integer)) as resolution
from ticket
where tenant_id = :tenant_id
