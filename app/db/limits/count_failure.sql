-- Count a failure of a dependency. What fails while its circuit is open began before it opened, and counts once.
insert into gate as old (tenant_id, cause, failures) values (:tenant_id, :dependency, 1)
on conflict (tenant_id, cause) do update
    set failures = old.failures + case when old.closed_until > now() then 0 else 1 end
returning failures, coalesce(closed_until > now(), false) as is_open
