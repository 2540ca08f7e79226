-- Use a session: no row when it was ended, or nobody has used it for too long. The first use of a session adds its row.
-- Of several uses at once that find its rights unchecked for too long, one is told so; it checks them for all.
insert into console_session as mine (tenant_id, id) values (:tenant_id, :id)
on conflict (tenant_id, id) do update set
    seen_at = case when cast(:by_person as boolean) then now() else mine.seen_at end,
    checked_at = case when mine.checked_at < now() - cast(:checked_within as interval) then now() else mine.checked_at end
where mine.ended_at is null and mine.seen_at > now() - cast(:idle as interval)
returning sealed, checked_at = now() as is_unchecked
