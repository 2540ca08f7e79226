-- The next resolved tickets that have no vectors of this model, or of another text than they have now: the last that were
-- stored come first. Tickets are found by the key of their numbers, from :before downwards.
select t.document, t.subject, left(t.description, cast(:max_chars as integer)) as description, t.indexed_digest as digest
from ticket t
where t.tenant_id = :tenant_id and t.document < :before and t.indexed_digest is not null
    and not exists (
        select
        from ticket_vector v
        where v.tenant_id = :tenant_id and v.document = t.document and v.model = :model and v.digest = t.indexed_digest
    )
order by t.document desc
limit :limit
