-- What is shown of found articles.
select id, title, updated_at, left(text, cast(:max_chars as integer)) as text
from article
where tenant_id = :tenant_id and id = any(cast(:ids as text[]))
