-- Count tickets as of a storm. One that is of another storm already stays there. In the order of their ids, so that two
-- attempts that count the same tickets can't wait for one another.
with chosen as (
    select ticket_id from arrival
    where tenant_id = :tenant_id and ticket_id = any(cast(:ticket_ids as text[])) and storm_ticket_id is null
    order by ticket_id
    for update
)
update arrival set storm_ticket_id = :first_id
from chosen
where arrival.tenant_id = :tenant_id and arrival.ticket_id = chosen.ticket_id
