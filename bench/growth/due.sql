-- Deliveries $1 to $2 that are not settled, each of another ticket; one of 50 is in work.
insert into delivery (tenant_id, job_id, ticket_id, event, body, status, attempt, accepted_at)
select tenant_id, md5('due' || n)::uuid, 'due' || n, 'ticket_created',
    convert_to('{"event": "ticket_created", "ticket_id": "' || n || '"}', 'UTF8'),
    case when n % 50 = 3 then 'processing' else 'pending' end, (n % 50 = 3)::int, now() - interval '1 hour'
from bench_rows($1, $2);

insert into due (tenant_id, job_id, due_at, is_leased, accepted_at)
select tenant_id, md5('due' || n)::uuid,
    case when n % 50 = 3 then now() + interval '9 hours' else now() - interval '1 hour' + n * interval '1 ms' end,
    n % 50 = 3, now() - interval '1 hour' + n * interval '1 ms'
from bench_rows($1, $2)
