-- Whether this role is the owner of the tables, or can act as the owner. No row: there are no tables.
select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass('public.delivery')
