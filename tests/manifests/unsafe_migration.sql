-- What no migration may do to a schema that a running release uses; the rule that says so ends each line.
alter table delivery drop column last_error; -- ban-drop-column
alter table delivery rename column body to raw; -- renaming-column
alter table delivery rename to deliveries; -- renaming-table
alter table delivery alter column event type varchar(8); -- changing-column-type
alter table delivery alter column trace_context set not null; -- adding-not-nullable-field
alter table delivery add column channel text not null; -- adding-required-field
alter table delivery alter column attempt drop default; -- ban-drop-default
alter table delivery add constraint delivery_attempt_check check (attempt >= 0); -- constraint-missing-not-valid
alter table delivery add constraint delivery_job_id_key unique (job_id); -- disallowed-unique-constraint
create index delivery_event_idx on delivery (event); -- require-concurrent-index-creation
drop index delivery_tenant_id_ticket_id_idx; -- require-concurrent-index-deletion
drop table due; -- ban-drop-table
drop function accept_deliveries; -- ban-drop-function
alter function accept_deliveries rename to accept; -- renaming-object
revoke update on delivery from ai_agents_worker; -- ban-revoke
drop policy tenant_isolation on delivery; -- ban-drop-policy
truncate due; -- ban-truncate
select 1; truncate due; -- ban-truncate
alter table delivery disable trigger all; -- ban-trigger
create rule nothing as on insert to delivery do instead nothing; -- ban-trigger
alter table delivery enable row level security; -- ban-enable-rls
create policy nobody on delivery as restrictive using (false); -- ban-restrictive-policy
alter role ai_agents_worker nologin; -- ban-role-change
drop owned by ai_agents_worker; -- ban-role-change
alter table delivery owner to postgres; -- ban-role-change
do $$ begin execute 'drop table due'; end $$; -- ban-do
