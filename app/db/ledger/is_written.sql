-- Whether an earlier attempt of this delivery has written its note.
select exists (
    select from enhancement where tenant_id = :tenant_id and job_id = :job_id and content is not null
)
