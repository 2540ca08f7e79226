-- Login roles and the database, made once by the database's master user. Safe to repeat: it then sets the passwords.
--   psql "$MASTER_URL" -v ON_ERROR_STOP=1 -v owner_password=… -v intake_password=… -v worker_password=… -f docs/aws/roles.sql
-- $MASTER_URL names the database `postgres`. The master need not be a superuser (Amazon RDS): CREATEROLE and CREATEDB do.

select 'create role ai_agents_owner login'
where not exists (select from pg_roles where rolname = 'ai_agents_owner') \gexec
select 'create role ai_agents_intake login'
where not exists (select from pg_roles where rolname = 'ai_agents_intake') \gexec
select 'create role ai_agents_worker login'
where not exists (select from pg_roles where rolname = 'ai_agents_worker') \gexec

alter role ai_agents_owner password :'owner_password';
alter role ai_agents_intake password :'intake_password';
alter role ai_agents_worker password :'worker_password';

-- Who has the API's password leaves the others half of the connections. An API pod takes four.
select format('alter role ai_agents_intake connection limit %s', current_setting('max_connections')::integer / 2) \gexec

-- Only a member may give a database to another role; the membership is taken back below.
grant ai_agents_owner to current_user;
select 'create database ai_agents owner ai_agents_owner'
where not exists (select from pg_database where datname = 'ai_agents') \gexec

set role ai_agents_owner;
revoke connect, temporary on database ai_agents from public;
grant connect on database ai_agents to ai_agents_intake, ai_agents_worker;
reset role;
revoke ai_agents_owner from current_user;

show max_connections;
