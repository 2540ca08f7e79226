-- Which of :terms each of :pieces of text holds; `piece` is its place among them, from 1.
select distinct piece, lexeme as term
from unnest(cast(:pieces as text[])) with ordinality given (content, piece)
cross join unnest(cast(:configurations as text[])) configuration
cross join lateral unnest(to_tsvector(cast(configuration as regconfig), content))
where lexeme = any(cast(:terms as text[]))
