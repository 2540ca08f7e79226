-- Store that from now on a note may be on the ticket, if the attempt still holds its delivery.
update enhancement set posting_at = now(), note_html = :html
where tenant_id = :tenant_id and ticket_id = :ticket_id and version = :version and exists (
    select from delivery d
    where d.tenant_id = :tenant_id and d.job_id = :job_id and d.attempt = :attempt and d.status = 'processing'
) returning job_id
