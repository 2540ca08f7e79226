-- Votes for and against some sources of a kind, without those that an operator has taken back.
select v.source_id, count(*) filter (where v.is_helpful) as up, count(*) filter (where not v.is_helpful) as down
from source_vote v
left join source_reset r on r.tenant_id = :tenant_id and r.kind = v.kind and r.source_id = v.source_id
where v.tenant_id = :tenant_id and v.kind = :kind and v.source_id = any(cast(:ids as text[]))
    and (r.reset_at is null or v.voted_at > r.reset_at)
group by v.source_id
