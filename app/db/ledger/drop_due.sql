-- The delivery is settled.
delete from due where tenant_id = :tenant_id and job_id = :job_id
