-- How long it is until the next call may go, which `take_call` found too far away.
select greatest(
    interval '0', greatest(next_call_at - cast(:tolerance as interval), closed_until) - clock_timestamp()
) as wait
from call_slot where tenant_id = :tenant_id
