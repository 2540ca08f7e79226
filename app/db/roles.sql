-- The roles that the application logs in with, and what each may that it should not: bypass row-level security, make
-- roles or databases, replicate, act as the owner (who runs this), or use the rights of a predefined role.
select rolname, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as is_mighty,
    pg_has_role(rolname, current_user, 'member') as is_owner,
    (
        select string_agg(m.rolname, ', ' order by m.rolname) from pg_roles m
        where m.rolname like 'pg\_%' and pg_has_role(r.rolname, m.oid, 'member')
    ) as mighty_groups
from pg_roles r where rolname = any(:roles)
