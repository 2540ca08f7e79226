-- Settled deliveries $1 to $2. One in 50 failed, one in 50 was ignored; notes lead to a vote in one of 37 cases.
insert into delivery (tenant_id, job_id, ticket_id, event, body, status, attempt, accepted_at, settled_at, code)
select tenant_id, md5('j' || n)::uuid, (n / 3)::text, 'ticket_created',
    convert_to('{"event": "ticket_created", "ticket_id": "' || n || '"}', 'UTF8'),
    case when n % 50 = 7 then 'failed' when n % 50 = 8 then 'ignored' else 'done' end, 1, at, at + interval '20 s',
    case when n % 50 = 7 then 'help_desk_failed' when n % 50 = 8 then 'version_outdated' end
from bench_rows($1, $2);

insert into enhancement (
    tenant_id, ticket_id, version, job_id, ticket_updated_at, reserved_at, content, model, confidence, prompt_tokens,
    completion_tokens, cost_usd, duration_ms, written_at, note_id, posted_at
)
select tenant_id, (n / 3)::text, 'v' || n, md5('j' || n)::uuid, at, at, '{"summary": "A similar ticket was solved."}',
    'offline', case when n % 10 = 0 then 'low' else 'medium' end, 900, 200, 0.0004, 20000, at, n::text, at
from bench_rows($1, $2)
where n % 50 not in (7, 8);

insert into attempt (tenant_id, job_id, attempt, began_at, ended_at, outcome)
select tenant_id, md5('j' || n)::uuid, 1, at, at + interval '19 s', 'enhanced'
from bench_rows($1, $2);

insert into feedback (tenant_id, job_id, is_helpful, voted_at)
select tenant_id, md5('j' || n)::uuid, n % 4 > 0, at
from bench_rows($1, $2)
where n % 37 = 0;

insert into dead (tenant_id, job_id, failed_at)
select tenant_id, md5('j' || n)::uuid, at
from bench_rows($1, $2)
where n % 50 = 7 and at > now() - interval '7 days';

insert into arrival (tenant_id, ticket_id, number, arrived_at, reported_at, reporter, terms, weights)
select tenant_id, 'a' || n, n::text, at, at, n % 500,
    array(select hashtextextended((n * place % 3000)::text, 0) from generate_series(1, 30) place),
    array_fill(0.18::real, array[30])
from bench_rows($1, $2)
where at > now() - interval '2 days'
