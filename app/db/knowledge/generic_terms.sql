-- The terms that PostgreSQL's text search :configurations make of :generic words.
select distinct lexeme as term
from unnest(cast(:configurations as text[])) configuration
cross join lateral unnest(to_tsvector(cast(configuration as regconfig), cast(:generic as text)))
