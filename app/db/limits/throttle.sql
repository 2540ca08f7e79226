-- No call is let go for a while. Afterwards they are let go one by one, without a burst: the tolerance is used up.
insert into call_slot as slot (tenant_id, next_call_at, closed_until)
values (
    :tenant_id, clock_timestamp() + cast(:wait as interval) + cast(:tolerance as interval),
    clock_timestamp() + cast(:wait as interval)
)
on conflict (tenant_id) do update
    set next_call_at = greatest(slot.next_call_at, excluded.next_call_at),
        closed_until = greatest(slot.closed_until, excluded.closed_until)
