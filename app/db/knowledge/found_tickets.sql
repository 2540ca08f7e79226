-- What is read of found tickets; the texts of those alone that are :shown.
select id, display_id, subject, status, category, subcategory, priority, "group", technician, resolved_at,
    case when id = any(cast(:shown as text[])) then left(description, cast(:max_chars as integer)) end as description,
    case when id = any(cast(:shown as text[])) then left(resolution, cast(:max_chars as integer)) end as resolution
from ticket
where tenant_id = :tenant_id and id = any(cast(:ids as text[]))
