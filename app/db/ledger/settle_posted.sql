-- Store the note's id, if the attempt still holds its delivery. Else another attempt may have posted too.
update enhancement
set note_id = :note_id, posted_at = now(),
    duration_ms = round(1000 * extract(epoch from now() - cast(:accepted_at as timestamptz)))
where tenant_id = :tenant_id and ticket_id = :ticket_id and version = :version and exists (
    select from delivery d
    where d.tenant_id = :tenant_id and d.job_id = :job_id and d.attempt = :attempt and d.status = 'processing'
) returning job_id
