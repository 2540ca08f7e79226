-- Whether another delivery of the tenant got its note within the last minute. `reserved_at` is for its index: a delivery
-- that waited for more than a day is not looked for.
select exists (
    select from enhancement
    where tenant_id = :tenant_id and job_id <> :job_id and posted_at > now() - interval '1 minute'
        and reserved_at > now() - interval '1 day'
)
