-- The tenant is an account of this instance.
insert into account (tenant_id, instance_id) values (:tenant_id, :instance_id)
on conflict (tenant_id) do update set instance_id = excluded.instance_id
