-- Store the note's id and how the attempt went, and settle the delivery. False: another attempt holds it.
select settle_posted(
    :tenant_id, :job_id, :attempt, :fence, :ticket_id, :version, :note_id, :began_at, :outcome, :code, :error, :steps
)
