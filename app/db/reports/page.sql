-- A tenant's deliveries that are chosen, newest first. Whether they have the code is looked up for {searched} of them at most.
select * from (
    select job_id, ticket_id, event, status, attempt, cast(attempt as bigint) - attempts_forgiven as attempts_used, accepted_at,
        updated_at, settled_at, lease_until, code, last_error, ignored_because, trace_context
    from delivery
    where tenant_id = :tenant_id {chosen}
    order by accepted_at desc, job_id desc
    limit {searched}
) newest
{with_code}
order by accepted_at desc, job_id desc
limit :limit
