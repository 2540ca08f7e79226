-- Store a delivery of a shared instance for the tenant whose account it is of; once, however often it is handed over.
with added as (
    insert into delivery (tenant_id, job_id, ticket_id, event, body, trace_context)
    values (:tenant_id, :job_id, :ticket_id, :event, :body, :trace_context)
    on conflict do nothing returning tenant_id, job_id
)
insert into due (tenant_id, job_id) select tenant_id, job_id from added
