-- Lock the first ticket of a storm, and read since when a call that posts or changes the storm's note is under way.
select now() - posting_at as posting_age from arrival
where tenant_id = :tenant_id and ticket_id = :first_id
for update
