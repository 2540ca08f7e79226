-- The fields of these tickets, in the order of :ids.
select ticket.category, ticket.subcategory, ticket.priority, ticket."group", ticket.technician
from unnest(cast(:ids as text[])) with ordinality asked (id, place)
join ticket on ticket.tenant_id = :tenant_id and ticket.id = asked.id
order by asked.place
