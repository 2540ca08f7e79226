-- Of each tenant with unsettled deliveries: how many wait and how many are in work, and since when.
select tenant_id,
    count(*) filter (where not (is_leased and due_at > now())) as waiting,
    count(*) filter (where is_leased and due_at > now()) as working,
    min(accepted_at) as oldest,
    min(due_at) filter (where due_at <= now()) as due_since
from due group by tenant_id
