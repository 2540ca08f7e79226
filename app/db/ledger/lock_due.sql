-- Lock a due delivery, unless another worker has it: a worker of a newer release may be able to read it.
select job_id from due where tenant_id = :tenant_id and job_id = :job_id and due_at <= now() for update skip locked
