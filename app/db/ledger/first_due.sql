-- Lock the delivery of a tenant that is due longest, if the tenant has a free slot. Rows that other workers have locked
-- are left out. `is_crowded`: more deliveries are due than slots are free, so rings for them found nothing to claim. E.g.
-- with 4 slots, 3 in work and 2 due: one is locked, and is_crowded is true, since 2 > 4 - 3.
select job_id,
    (select count(*) from (
        select from due where tenant_id = :tenant_id and due_at <= now() limit cast(:slots as integer) + 1
    ) waiting) > cast(:slots as integer) - leased.number as is_crowded
from due
cross join (
    select count(*) as number from due where tenant_id = :tenant_id and is_leased and due_at > now()
) leased
where tenant_id = :tenant_id and due_at <= now() and leased.number < cast(:slots as integer)
    -- A hold may have begun since the tenant was found.
    and not exists (
        select from hold
        where holds_deliveries and hold.tenant_id in (:tenant_id, '00000000-0000-0000-0000-000000000000')
    )
    -- Of a shared instance, its own deliveries and all its accounts' together.
    and (cast(:instance_id as uuid) is null or cast(:desk_slots as integer) > (
        select count(*) from due in_work
        left join account on account.tenant_id = in_work.tenant_id
        where coalesce(account.instance_id, in_work.tenant_id) = cast(:instance_id as uuid)
            and in_work.is_leased and in_work.due_at > now()
    ))
order by due_at limit 1 for update of due skip locked
