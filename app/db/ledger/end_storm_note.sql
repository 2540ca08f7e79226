-- Store that the call has ended, the note, and how many tickets it names.
update arrival
set posting_at = null, note_id = coalesce(:note_id, note_id), told = greatest(told, cast(:told as integer))
where tenant_id = :tenant_id and ticket_id = :first_id
