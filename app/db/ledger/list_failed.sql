-- Add the delivery to those that failed, until an operator replays or dismisses it.
insert into dead (tenant_id, job_id) values (:tenant_id, :job_id) on conflict do nothing
