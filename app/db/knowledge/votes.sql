-- Links from the tickets of our notes to what the notes cite, for the votes of the last 7 days.
--
-- A note that helped makes them; one that did not, or not any more, takes them back.
with voted as (
    select distinct f.is_helpful, e.ticket_id as from_id, source ->> 'id' as to_id,
        case source ->> 'kind' when 'similar_tickets' then 'ticket' else 'article' end as kind
    from feedback f
    join enhancement e on e.tenant_id = :tenant_id and e.job_id = f.job_id
    cross join lateral jsonb_path_query(e.content, '$.gathered[*].sources[*]') source
    where f.tenant_id = :tenant_id and f.voted_at > now() - interval '7 days'
        and source ->> 'kind' in ('similar_tickets', 'knowledge')
        and source ->> 'ref' in (
            select ref #>> '{}' from jsonb_path_query(e.content, '$.*[*].citations[*]') ref
            union all
            select ref #>> '{}' from jsonb_path_query(e.content, '$.summary_citations[*]') ref
        )
),
taken_back as (
    delete from ticket_link l
    using voted v
    where l.tenant_id = :tenant_id and l.kind = v.kind and l.to_id = v.to_id and l.from_id = v.from_id
        and l.told_by = 'vote' and not v.is_helpful
        and not exists (
            select from voted other
            where other.is_helpful and (other.kind, other.to_id, other.from_id) = (v.kind, v.to_id, v.from_id)
        )
)
insert into ticket_link (tenant_id, kind, to_id, from_id, told_by)
select :tenant_id, kind, to_id, from_id, 'vote'
from voted
where is_helpful and to_id <> from_id
group by kind, to_id, from_id
order by kind, to_id, from_id
on conflict do nothing
