-- Delete how tickets arrived: after two days nothing is compared with them any more. The latest window is a day. Returns how many.
with forgotten as (
    delete from arrival
    where tenant_id = :tenant_id and ticket_id in (
        select ticket_id from arrival
        where tenant_id = :tenant_id and arrived_at < now() - interval '2 days'
        order by arrived_at limit :batch
    )
    returning ticket_id
)
select count(*) from forgotten
