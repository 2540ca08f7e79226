-- Lock the first ticket of a storm, and read the storm's note and since when a call that posts or changes it is under way.
select note_id, told, now() - posting_at as posting_age from arrival
where tenant_id = :tenant_id and ticket_id = :first_id
for update
