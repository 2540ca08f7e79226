-- Links from the tickets of our notes to the sources that technicians' votes are about.
--
-- A vote for a source makes one; a vote against it, or an operator's reset of its votes, takes it back.
with voted as (
    select v.kind, v.source_id as to_id, e.ticket_id as from_id,
        bool_or(v.is_helpful and (r.reset_at is null or v.voted_at > r.reset_at)) as is_helpful
    from source_vote v
    join enhancement e on e.tenant_id = :tenant_id and e.job_id = v.job_id
    left join source_reset r on r.tenant_id = :tenant_id and r.kind = v.kind and r.source_id = v.source_id
    where v.tenant_id = :tenant_id
    group by v.kind, v.source_id, e.ticket_id
),
taken_back as (
    delete from ticket_link l
    using voted v
    where l.tenant_id = :tenant_id and l.kind = v.kind and l.to_id = v.to_id and l.from_id = v.from_id
        and l.told_by = 'vote' and not v.is_helpful
)
insert into ticket_link (tenant_id, kind, to_id, from_id, told_by)
select :tenant_id, kind, to_id, from_id, 'vote'
from voted
where is_helpful and to_id <> from_id
order by kind, to_id, from_id
on conflict do nothing
