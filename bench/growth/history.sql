-- The first tenant's resolved tickets $1 to $2, and articles, open tickets, links and machines in proportion.
insert into ticket (
    tenant_id, id, display_id, subject, description, requester, category, status, priority, resolution, created_at,
    updated_at, resolved_at, is_open, terms, frequencies, length, indexed_digest
)
select id, n::text, n::text, subject, body, 'user' || n % 5000 || '@acme.example', 'Category ' || n % 20, 'Closed',
    'Medium', answer, at, at, at, false, terms, frequencies, length, '\x00'
from bench_documents($1, $2)
cross join lateral (select now() - make_interval(secs => 31536000.0 * abs(hashint4(n)) / 2147483648) as at) dated
join bench_tenant on number = 0;

insert into article (tenant_id, id, title, text, is_public, updated_at, terms, frequencies, length, indexed_digest)
select id, n::text, subject, body || ' ' || answer, true, now(), terms, frequencies, length, '\x00'
from bench_documents($1 / 50 + 1, $2 / 50)
join bench_tenant on number = 0;

insert into ticket (
    tenant_id, id, display_id, subject, description, requester, category, status, priority, resolution, created_at,
    updated_at, is_open
)
select id, 'open' || n, 'open' || n, 'It does not print', 'Nothing comes out of PC-' || n,
    'user' || n % 5000 || '@acme.example', '', 'Open', 'Medium', '', now() - make_interval(mins => n), now(), true
from generate_series($1::int / 200 + 1, $2::int / 200) n
join bench_tenant on number = 0;

insert into ticket_link (tenant_id, kind, to_id, from_id, told_by)
select id, 'ticket', (1 + abs(hashint4(n)) % $2::int)::text, n::text, 'link'
from generate_series($1::int, $2::int) n
join bench_tenant on number = 0
where n % 10 = 0
on conflict do nothing;

insert into asset (tenant_id, id, name, hostname, addresses, role, location, owner, owner_key)
select id, n::text, 'pc-' || n, 'pc-' || n, array[('10.' || n / 65536 || '.' || n / 256 % 256 || '.' || n % 256)::inet],
    'Workstation', 'Floor ' || n % 9, 'User ' || n % 5000, 'surname' || n % 5000
from generate_series($1::int / 20 + 1, $2::int / 20) n
join bench_tenant on number = 0;

insert into asset_address (tenant_id, address, asset_id)
select tenant_id, addresses[1], id from asset where id::int between $1::int / 20 + 1 and $2::int / 20;

insert into asset_name (tenant_id, name, asset_id, is_shortened)
select tenant_id, hostname, id, false from asset where id::int between $1::int / 20 + 1 and $2::int / 20
