-- The requester's other tickets, and other open tickets that may name one of the ticket's machines.
with machine as (
    select name as said from asset_name
    where tenant_id = :tenant_id and name = any(cast(:names as text[]))
    union
    select host(address) from asset_address
    where tenant_id = :tenant_id and address = any(cast(:addresses as inet[]))
),
-- By the index on the requester; open tickets by the smaller ones. As it is written: with `lower`, which is not leakproof,
-- row-level security would not let the index be used, and the help desk writes a person always alike.
past as (
    select display_id, id, subject, status
    from ticket
    where tenant_id = :tenant_id and requester = :requester and :requester <> '' and id <> :ticket_id
        and resolved_at is not null and is_open is not true
    order by resolved_at desc
    limit :past
),
own_open as (
    select count(*) as number
    from ticket
    where tenant_id = :tenant_id and requester = :requester and :requester <> '' and id <> :ticket_id
        and is_open
),
-- Of a release that did not store whether a ticket is open: then the number is not known.
untold as (
    select 1
    from ticket
    where tenant_id = :tenant_id and requester = :requester and :requester <> '' and id <> :ticket_id
        and resolved_at is null and is_open is null
    limit 1
),
latest_open as (
    select display_id, id, subject, left(description, 4000) as description
    from ticket
    where tenant_id = :tenant_id and is_open and id <> :ticket_id and exists (select from machine)
    order by created_at desc nulls last
    limit :searched
)
select 'open' as kind, '' as display_id, '' as id, '' as subject, '' as text, number
from own_open
where not exists (select from untold) and (number > 0 or exists (select from past))
union all
select 'past', display_id, id, subject, status, 0 from past
union all
select 'machine', display_id, id, subject, description, 0
from latest_open
where exists (select from machine where strpos(lower(subject || ' ' || description), said) > 0)
