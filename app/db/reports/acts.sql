-- A tenant's acts, newest first.
select acted_at, actor, act, number, detail from audit where tenant_id = :tenant_id order by acted_at desc limit :limit
