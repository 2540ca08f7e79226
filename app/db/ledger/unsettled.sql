-- The latest version for which this delivery began to post, and for which no note is stored.
select version, content, now() - posting_at as posting_age from enhancement
where tenant_id = :tenant_id and ticket_id = :ticket_id and job_id = :job_id
    and posting_at is not null and note_id is null and content is not null
order by posting_at desc limit 1
