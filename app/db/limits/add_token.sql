-- The tenant's row, with no token yet.
insert into access_token (tenant_id) values (:tenant_id) on conflict do nothing
