-- The account was known by its name alone; now its id is known too.
update origin set instance_id = :instance_id, account_id = :account_id, account_name = :account_name
where tenant_id = :tenant_id
