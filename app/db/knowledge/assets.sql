-- The assets at :addresses, of the :names, and of owners with the surname :owner_key; `key` says by which of them.
select 'address' as found_by, host(k.address) as key, false as is_shortened,
    a.id, a.name, a.hostname, a.addresses, a.role, a.location, a.owner
from asset_address k
join asset a on a.tenant_id = k.tenant_id and a.id = k.asset_id
where k.tenant_id = :tenant_id and k.address = any(cast(:addresses as inet[]))
union all
select 'name', k.name, k.is_shortened, a.id, a.name, a.hostname, a.addresses, a.role, a.location, a.owner
from asset_name k
join asset a on a.tenant_id = k.tenant_id and a.id = k.asset_id
where k.tenant_id = :tenant_id and k.name = any(cast(:names as text[]))
union all
(
    select 'owner', a.owner_key, false, a.id, a.name, a.hostname, a.addresses, a.role, a.location, a.owner
    from asset a
    where a.tenant_id = :tenant_id and a.owner_key = :owner_key and :owner_key <> ''
    order by a.id
    limit :most_of_owner
)
order by id
