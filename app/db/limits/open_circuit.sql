-- Open the circuit for a while; one that was open lately has been so since then.
update gate set closed_until = now() + cast(:wait as interval),
    since = case when closed_until > now() then since else now() end
where tenant_id = :tenant_id and cause = :dependency
