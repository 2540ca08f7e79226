-- What the votes on each source amount to now, and whether an operator has taken earlier ones back.
select coalesce(v.kind, r.kind) as kind, coalesce(v.source_id, r.source_id) as source_id,
    coalesce(v.up, 0) as up, coalesce(v.down, 0) as down, r.reset_at, r.actor
from (
    select v.kind, v.source_id,
        count(*) filter (where v.is_helpful and (r.reset_at is null or v.voted_at > r.reset_at)) as up,
        count(*) filter (where not v.is_helpful and (r.reset_at is null or v.voted_at > r.reset_at)) as down
    from source_vote v
    left join source_reset r on r.tenant_id = :tenant_id and r.kind = v.kind and r.source_id = v.source_id
    where v.tenant_id = :tenant_id
    group by v.kind, v.source_id
) v
full join (select * from source_reset where tenant_id = :tenant_id) r on r.kind = v.kind and r.source_id = v.source_id
