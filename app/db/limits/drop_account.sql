-- The tenant is an account of no instance.
delete from account where tenant_id = :tenant_id
