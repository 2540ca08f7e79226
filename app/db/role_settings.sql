-- What the roles have set for their own sessions, and the statement that takes each back. The three of a transaction have
-- no effect on sessions, and PostgreSQL lets nobody but a superuser take them back.
select rolname, name,
    format(
        'alter role %I%s reset %s', rolname, coalesce(' in database ' || quote_ident(datname), ''),
        (select string_agg(quote_ident(part), '.') from unnest(string_to_array(name, '.')) part)
    ) as remedy
from pg_db_role_setting
join pg_roles on pg_roles.oid = setrole
left join pg_database on pg_database.oid = setdatabase
cross join lateral (select split_part(setting, '=', 1) as name from unnest(setconfig) setting) settings
where rolname = any(:roles) and (setdatabase = 0 or datname = current_database())
    and name not in ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable')
order by rolname, datname, name
