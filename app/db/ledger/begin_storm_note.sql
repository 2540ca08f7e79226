-- Store that a call begins which posts or changes a storm's note, if the attempt still holds its delivery.
-- `|| ''`: so it is found by its key. In the index on the status, settled ones stay as they were until it is vacuumed.
update arrival set posting_at = clock_timestamp()
where tenant_id = :tenant_id and ticket_id = :first_id and exists (
    select from delivery d
    where d.tenant_id = :tenant_id and d.job_id = :job_id and d.attempt = :attempt and d.fence = :fence and d.status || '' = 'processing'
)
returning ticket_id
