-- The latest attempts at a delivery, the last one first.
select attempt, began_at, outcome, code, error, steps from attempt
where tenant_id = :tenant_id and job_id = :job_id order by attempt desc limit :most
