-- Links from the tickets of our notes to the sources that technicians' votes are about.
--
-- A vote for a source makes one. It goes with the vote: when that is turned against the source, when it is deleted (after 90
-- days), and when an operator resets the source's votes.
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
    where l.tenant_id = :tenant_id and l.told_by = 'vote' and not exists (
        select from voted v where v.kind = l.kind and v.to_id = l.to_id and v.from_id = l.from_id and v.is_helpful
    )
)
insert into ticket_link (tenant_id, kind, to_id, from_id, told_by)
select :tenant_id, kind, to_id, from_id, 'vote'
from voted
where is_helpful and to_id <> from_id
order by kind, to_id, from_id
on conflict do nothing
