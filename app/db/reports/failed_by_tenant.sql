-- Of each tenant with failed deliveries that no operator has replayed or dismissed: how many, and since when.
select tenant_id, count(*) as number, min(failed_at) as since from dead group by tenant_id
