-- Let the tenant's deliveries rest until its calls are no longer used up; a longer rest stays.
insert into gate as old (tenant_id, cause, closed_until) values (:tenant_id, :cause, now() + cast(:wait as interval))
on conflict (tenant_id, cause) do update
    set closed_until = greatest(old.closed_until, excluded.closed_until),
        since = case when old.closed_until > now() then old.since else now() end
