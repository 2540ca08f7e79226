-- How many of a tenant's deliveries are chosen, counted up to :at_most.
select count(*) as number from (
    select from delivery
    where tenant_id = :tenant_id {chosen} and (cast(:code as text) is null or code = :code)
    limit :at_most
) counted
