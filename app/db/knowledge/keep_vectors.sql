-- Stores the vectors of one ticket, if it is there still; null: the model makes none of it.
insert into ticket_vector (tenant_id, document, model, digest, title, text)
select tenant_id, document, :model, :digest, cast(cast(:title as real[]) as halfvec), cast(cast(:text as real[]) as halfvec)
from ticket
where tenant_id = :tenant_id and document = :document
on conflict (tenant_id, document) do update
set model = excluded.model, digest = excluded.digest, title = excluded.title, text = excluded.text
