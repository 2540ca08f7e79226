-- The tickets of a storm, and of the first one's row what is known of the storm's note.
select ticket_id, number, reported_at, note_id, told, now() - posting_at as posting_age
from arrival
where tenant_id = :tenant_id and (ticket_id = :first_id or storm_ticket_id = :first_id)
order by arrived_at
