-- The account whose rows are stored under the tenant's id. Locked, so that no other worker completes it meanwhile.
select instance_id, account_id, account_name from origin where tenant_id = :tenant_id for update
