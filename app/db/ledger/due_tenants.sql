-- Tenants that have a delivery due and a slot free, in the order in which they are served.
--
-- For example, of three tenants with a due delivery each: A has two in work and 4 slots, B none and 1 slot, C one and 1
-- slot. C has no slot free, B comes before A since it has fewer in work; of two with as many, who waits longer is first.
--
-- Accounts of one shared instance share its slots as well, with one another and with its own deliveries: with 5 of them,
-- and 4 in work for A, one is left for B, however many deliveries A has due.
--
-- :own_slots is a JSON object: tenant → slots. Each tenant is looked up in it. As rows they would be joined, and of a
-- parameter PostgreSQL believes that it holds ten: it would compare each tenant with each.
with recursive tenant as (
    -- Each tenant once, found by one look-up in the index, however many deliveries it has.
    (select tenant_id from due order by tenant_id limit 1)
    union all
    select (select d.tenant_id from due d where d.tenant_id > tenant.tenant_id order by d.tenant_id limit 1)
    from tenant where tenant.tenant_id is not null
),
held as (
    select tenant_id, bool_or(holds_deliveries) as is_held, bool_or(is_on_trial) as is_on_trial
    from hold group by tenant_id
),
desk as (
    -- In work for each instance, its own deliveries included.
    select coalesce(account.instance_id, due.tenant_id) as id, count(*) as leased
    from due left join account on account.tenant_id = due.tenant_id
    where due.is_leased and due.due_at > now() and exists (select from account)
    group by 1
),
candidate as (
    select tenant.tenant_id, leased.number as leased, first.due_at,
        -- A tenant that comes back from an outage has one slot until one of its deliveries succeeds.
        case when held.is_on_trial then 1
            else coalesce(cast(cast(:own_slots as jsonb) ->> cast(tenant.tenant_id as text) as integer), :slots) end as slots,
        shared.instance_id, coalesce(desk.leased, 0) as desk_leased,
        -- So has an instance, for all its accounts together.
        case when held_desk.is_on_trial then 1
            else coalesce(cast(cast(:own_slots as jsonb) ->> cast(shared.instance_id as text) as integer), :slots) end
            as desk_slots
    from tenant
    cross join lateral (
        select d.due_at from due d where d.tenant_id = tenant.tenant_id and d.due_at <= now() order by d.due_at limit 1
    ) first
    cross join lateral (
        select count(*) as number from due d
        where d.tenant_id = tenant.tenant_id and d.is_leased and d.due_at > now()
    ) leased
    left join held on held.tenant_id = tenant.tenant_id
    left join account on account.tenant_id = tenant.tenant_id
    cross join lateral (
        -- Of an account, or the instance itself.
        select coalesce(account.instance_id, (
            select instance_id from account its where its.instance_id = tenant.tenant_id limit 1
        )) as instance_id
    ) shared
    left join held held_desk on held_desk.tenant_id = shared.instance_id
    left join desk on desk.id = shared.instance_id
    where held.is_held is not true
        -- This id is a pause of all tenants.
        and not exists (select from held where tenant_id = '00000000-0000-0000-0000-000000000000' and is_held)
)
select tenant_id, slots, instance_id, desk_slots,
    case when instance_id is null then slots - leased else least(slots - leased, desk_slots - desk_leased) end as free
from candidate
where leased < slots and (instance_id is null or desk_leased < desk_slots)
order by leased, due_at limit :limit
