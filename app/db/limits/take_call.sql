-- Take the time of the tenant's next call, unless it is too far away: then nothing changes and no row returns.
--
-- `next_call_at` is GCRA's theoretical arrival time: each call moves it on by the interval, and a call may go while it is
-- no more than the tolerance ahead of now. For example, with an interval of 2 s and a tolerance of 8 s, five calls go at
-- once after a pause (it is then 10 s ahead of now), and the sixth waits 2 s.
--
-- It is a transaction of its own, so it sets its tenant itself, in the first of the values, before a row is looked at. Its
-- commit does not wait for the disk: after a crash of PostgreSQL some calls may go a second too early.
insert into call_slot as slot (tenant_id, next_call_at)
values (
    cast(set_config('app.tenant_id', cast(cast(:tenant_id as uuid) as text), true) as uuid),
    clock_timestamp() + cast(:interval as interval)
)
on conflict (tenant_id) do update
    set next_call_at = greatest(slot.next_call_at, clock_timestamp()) + cast(:interval as interval)
    -- No call is let go before the end of a throttling.
    where greatest(slot.next_call_at - cast(:tolerance as interval), slot.closed_until)
        <= clock_timestamp() + cast(:longest_wait as interval)
returning greatest(
    interval '0', next_call_at - cast(:interval as interval) - cast(:tolerance as interval) - clock_timestamp()
) as wait, set_config('synchronous_commit', 'off', true)
