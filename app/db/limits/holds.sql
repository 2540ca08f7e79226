-- The holds that are on now, the longest first. One that an operator must end lasts to infinity, which is no date.
select tenant_id, cause, until = 'infinity' as is_endless, nullif(until, 'infinity') as until, failures, since, by,
    reason, holds_deliveries
from hold where tenant_id = any(cast(:tenant_ids as uuid[])) and is_on order by since
