-- The extension pgvector, if it is in this database, and whether its types are found without naming its schema, and
-- whether the table for vectors is there.
select extversion as version, to_regtype('halfvec') is not null as is_found,
    to_regclass('public.ticket_vector') is not null as has_table
from pg_extension
where extname = 'vector'
