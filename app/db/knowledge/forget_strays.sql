-- Forget what no sync of the instance met for a day.
delete from stray where tenant_id = :tenant_id and seen_at < now() - interval '1 day'
