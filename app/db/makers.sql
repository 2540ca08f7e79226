-- The roles that can make tables, temporary ones too.
select rolname from pg_roles
where rolname = any(:roles) and (
    has_database_privilege(oid, current_database(), 'temporary')
    or has_database_privilege(oid, current_database(), 'create') or has_schema_privilege(oid, 'public', 'create')
)
order by rolname
