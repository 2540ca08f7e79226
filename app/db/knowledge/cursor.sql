-- How far the sync has read one kind of the tenant's items.
select seen_up_to, listed_at from sync_cursor where tenant_id = :tenant_id and kind = :kind
