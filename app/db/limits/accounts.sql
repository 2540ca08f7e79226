-- Which tenants are accounts of which instances, as the table has it.
select tenant_id, instance_id from account
