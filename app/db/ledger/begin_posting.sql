-- Store that from now on a note may be on the ticket: if the attempt still holds its delivery, and no other delivery has a
-- newer version of the ticket.
-- `|| ''`: so it is found by its key. In the index on the status, settled ones stay as they were until it is vacuumed.
update enhancement mine set posting_at = now(), note_html = :html
where tenant_id = :tenant_id and ticket_id = :ticket_id and version = :version and job_id = :job_id
    and exists (
        select from delivery d
        where d.tenant_id = :tenant_id and d.job_id = :job_id and d.attempt = :attempt and d.fence = :fence and d.status || '' = 'processing'
    )
    and not exists (
        select from enhancement other
        where other.tenant_id = mine.tenant_id and other.ticket_id = mine.ticket_id
            and other.job_id <> mine.job_id and other.ticket_updated_at > mine.ticket_updated_at
    )
returning job_id
