-- Claim the delivery that is next. `others`: the tenants whose turn is after its own, where there may be more than :limit; as
-- text, for the driver would ask each new connection what an array of JSON is.
select found.*,
    case when cardinality(due.tenants) = cast(:limit as integer) then cast(due.tenants[found.place + 1:] as text[]) end
        as others
from (select array(select to_jsonb(tenant) from ({tenants}) tenant) as tenants offset 0) due
cross join lateral claim_first(due.tenants, true, cast(:lease as interval)) found
