-- The number of votes for and against, among the newest votes.
select count(*) filter (where is_helpful) as up, count(*) filter (where not is_helpful) as down from (
    select is_helpful from feedback where tenant_id = :tenant_id order by voted_at desc limit :votes
) newest
