-- The number of votes for and against, among the newest votes, and the time of the newest.
select count(*) filter (where is_helpful) as up, count(*) filter (where not is_helpful) as down, max(voted_at) as latest from (
    select is_helpful, voted_at from feedback where tenant_id = :tenant_id order by voted_at desc limit :votes
) newest
