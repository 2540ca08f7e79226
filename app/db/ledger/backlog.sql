-- How many deliveries are due and not claimed, and the age of the oldest that is not settled.
select (select count(*) from due where due_at <= now()) as waiting,
    (select now() - min(accepted_at) from due where isfinite(accepted_at)) as oldest
