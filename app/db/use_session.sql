-- Use a session: no row when it was ended, or nobody has used it for too long. The first use of a session adds its row.
-- Of several uses that find its rights unchecked for too long, one may check them, until its lease ends: by then it has
-- stored what came of it, or is taken for dead. A time that no clock gave, as it is more than :skew ahead, is none.
insert into console_session as mine (tenant_id, id) values (:tenant_id, :id)
on conflict (tenant_id, id) do update set
    seen_at = case when cast(:by_person as boolean) then now() else mine.seen_at end,
    checking_until = case
        when mine.checked_at not between now() - cast(:checked_within as interval) and now() + cast(:skew as interval)
            and coalesce(mine.checking_until not between now() and now() + cast(:lease as interval) + cast(:skew as interval), true)
        then now() + cast(:lease as interval) else mine.checking_until end
where mine.ended_at is null and mine.seen_at between now() - cast(:idle as interval) and now() + cast(:skew as interval)
returning sealed,
    checked_at not between now() - cast(:checked_within as interval) and now() + cast(:skew as interval) as is_unchecked,
    coalesce(checking_until = now() + cast(:lease as interval), false) as may_check
