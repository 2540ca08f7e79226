-- Store how an attempt went, once.
insert into attempt (tenant_id, job_id, attempt, began_at, outcome, code, error, steps)
values (:tenant_id, :job_id, :attempt, :began_at, :outcome, :code, :error, cast(:steps as jsonb))
on conflict do nothing
