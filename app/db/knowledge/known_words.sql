-- Which of :words occur in documents of one kind, and as which term.
--
-- `offset 0` keeps a look-up by key a look-up for each row.
select word, lexeme as term
from unnest(cast(:words as text[])) word
cross join lateral unnest(to_tsvector(cast(:configuration as regconfig), word))
cross join lateral (
    select documents
    from term
    where tenant_id = :tenant_id and kind = :kind and term = lexeme and documents > 0
    offset 0
) t
