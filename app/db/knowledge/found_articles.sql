-- What rank.sql returns of articles, for the note.
select id as shown_id, title, updated_at, left(text, cast(:max_chars as integer)) as text
from article
where tenant_id = :tenant_id
