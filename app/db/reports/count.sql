-- How many of a tenant's deliveries are chosen, counted up to :at_most.
select count(*) as number from (
    select from delivery
    where tenant_id = :tenant_id {chosen}
    limit :at_most
) counted
