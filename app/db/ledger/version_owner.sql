-- Which delivery has this version of the ticket, and its note if it is there.
select job_id, note_id, shadowed_at from enhancement where tenant_id = :tenant_id and ticket_id = :ticket_id and version = :version
