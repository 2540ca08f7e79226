-- Store the note's id and how the attempt went, and settle the delivery, if the attempt still holds it. Else nothing
-- changes and no row returns: another attempt may have posted too.
-- `|| ''`: so it is found by its key. In the index on the status, settled ones stay as they were until it is vacuumed.
with settled as (
    update delivery
    set status = 'done', code = null, lease_until = null, settled_at = now(), updated_at = now()
    where tenant_id = :tenant_id and job_id = :job_id and attempt = :attempt and fence = :fence and status || '' = 'processing'
    returning tenant_id, job_id, accepted_at
),
dropped as (
    delete from due using settled where due.tenant_id = settled.tenant_id and due.job_id = settled.job_id
),
recorded as (
    insert into attempt (tenant_id, job_id, attempt, began_at, outcome, code, error, steps)
    select tenant_id, job_id, :attempt, :began_at, :outcome, :code, :error, cast(:steps as jsonb) from settled
    on conflict do nothing
)
update enhancement
set note_id = :note_id, posted_at = now(),
    duration_ms = round(1000 * extract(epoch from now() - settled.accepted_at))
from settled
where enhancement.tenant_id = :tenant_id and ticket_id = :ticket_id and version = :version
returning enhancement.job_id
