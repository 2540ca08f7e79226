-- The rows that no tenant owns, as the syncs of the instance met them.
select kind, account, rows from stray where tenant_id = :tenant_id order by account, kind
