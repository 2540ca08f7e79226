-- Begin an attempt. Its number is greater than that of an attempt which had the delivery before, and whose statements
-- change nothing from now on; its fence is its own, also where a crash has lost that one. The delivery is held until the
-- lease ends, and due again afterwards.
with held as (
    update due set due_at = now() + cast(:lease as interval), is_leased = true
    where tenant_id = :tenant_id and job_id = :job_id
)
update delivery
set status = 'processing', attempt = attempt + 1, fence = gen_random_uuid(), lease_until = now() + cast(:lease as interval), updated_at = now()
where tenant_id = :tenant_id and job_id = :job_id and status in ('pending', 'processing')
returning ticket_id, body, attempt, fence, attempt - attempts_forgiven as attempts_used, accepted_at, trace_context,
    last_error,
    array(select cause from hold where hold.tenant_id = delivery.tenant_id and hold.failures > 0) as failing,
    array(select cause from hold where hold.tenant_id = delivery.tenant_id and hold.is_on) as open
