-- Whether an attempt at this delivery began to post, and no note is stored.
select exists (
    select from enhancement
    where tenant_id = :tenant_id and job_id = :job_id and posting_at is not null and note_id is null
)
