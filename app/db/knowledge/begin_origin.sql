-- The account that the tenant is, at its first use.
insert into origin (tenant_id, instance_id, account_id, account_name)
values (:tenant_id, :instance_id, :account_id, :account_name)
on conflict do nothing
