-- The statements that take back from everybody but the owner the right to make tables, and whether we may run them.
-- PostgreSQL quotes the names in them itself.
select format('revoke temporary, create on database %I from public, %s', datname, names) as of_database,
    format('revoke create on schema public from public, %s', names) as of_schema,
    pg_has_role(current_user, datdba, 'usage') as is_ours
from pg_database
cross join (select string_agg(quote_ident(role), ', ') as names from unnest(cast(:roles as text[])) role) given
where datname = current_database()
