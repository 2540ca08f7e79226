-- How many tickets a storm has. A statement of its own after `end_storm_note`: so it counts those of attempts that had
-- the lock before, and left the note to this one.
select count(*) from arrival where tenant_id = :tenant_id and (ticket_id = :first_id or storm_ticket_id = :first_id)
