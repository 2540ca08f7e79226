-- The documents of the tickets whose titles are nearest to the query's, and nearer than :farthest, the nearest first.
--
-- {distance}   to :title, which is an array of numbers: written so that PostgreSQL uses the index of vectors, or so that it
--              doesn't (`app.db.knowledge.vectors` says when)
-- :model       which made it, and whose vectors alone it is compared with
select document
from (
    select document, {distance} as distance
    from ticket_vector
    where tenant_id = :tenant_id and model = :model and title is not null
    order by distance
    limit :limit
) nearest
where distance < :farthest
order by distance
