-- Lock the delivery of a tenant that is due longest, if the tenant has a slot free; what another worker locks is left
-- out. `is_crowded`: more of its deliveries are due than it has slots free, so rings for them found nothing to claim.
select job_id,
    (select count(*) from (
        select from due where tenant_id = :tenant_id and due_at <= now() limit cast(:slots as integer) + 1
    ) waiting) > cast(:slots as integer) - leased.number as is_crowded
from due
cross join (
    select count(*) as number from due where tenant_id = :tenant_id and is_leased and due_at > now()
) leased
where tenant_id = :tenant_id and due_at <= now() and leased.number < cast(:slots as integer)
    -- Of a shared instance, all its accounts together.
    and (cast(:instance_id as uuid) is null or cast(:desk_slots as integer) > (
        select count(*) from due in_work
        left join account on account.tenant_id = in_work.tenant_id
        where coalesce(account.instance_id, in_work.tenant_id) = cast(:instance_id as uuid)
            and in_work.is_leased and in_work.due_at > now()
    ))
order by due_at limit 1 for update of due skip locked
