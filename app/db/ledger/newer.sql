-- Whether another delivery has a newer version of the ticket. Then that version gets the note.
select true from enhancement other
join enhancement mine using (tenant_id, ticket_id)
where mine.tenant_id = :tenant_id and mine.ticket_id = :ticket_id and mine.version = :version
    and other.job_id <> mine.job_id and other.ticket_updated_at > mine.ticket_updated_at
limit 1
