-- Votes by source: a vote on a note counts for each source that the note's statements cite.
with vote as (
    select job_id, is_helpful from feedback where tenant_id = :tenant_id order by voted_at desc limit :votes
)
select source ->> 'kind' as kind, source ->> 'id' as id, max(source ->> 'title') as title, max(source ->> 'url') as url,
    count(*) filter (where vote.is_helpful) as up, count(*) filter (where not vote.is_helpful) as down
from vote
join enhancement e on e.tenant_id = :tenant_id and e.job_id = vote.job_id
cross join lateral jsonb_path_query(e.content, '$.gathered[*].sources[*]') source
where source ->> 'ref' in (
    select ref #>> '{}' from jsonb_path_query(e.content, '$.*[*].citations[*]') ref
    union all
    select ref #>> '{}' from jsonb_path_query(e.content, '$.summary_citations[*]') ref
)
group by 1, 2
