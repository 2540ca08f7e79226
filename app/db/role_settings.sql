-- The names of what the roles have set for their own sessions, and the statement that takes it back.
select rolname, string_agg(split_part(setting, '=', 1), ', ' order by setting) as names,
    format('alter role %I', rolname) || coalesce(' in database ' || quote_ident(datname), '') || ' reset all' as remedy
from pg_db_role_setting
join pg_roles on pg_roles.oid = setrole
left join pg_database on pg_database.oid = setdatabase
cross join unnest(setconfig) setting
where rolname = any(:roles) and (setdatabase = 0 or datname = current_database())
group by rolname, datname order by rolname, datname
