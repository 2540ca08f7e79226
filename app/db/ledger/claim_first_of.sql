-- The same of :tenants, which a look before has found.
select *, null as others from claim_first(cast(cast(:tenants as text[]) as jsonb[]), false, cast(:lease as interval))
