-- How many deliveries are due and not claimed, and the age of the oldest that is not settled.
--
-- Of a large table 128 pages are counted, chosen at random, which hold some 10,000 rows. For example, of 1,280 pages they
-- are a tenth; if 8,000 due rows are found on them, it tells 80,000. That is a few hundredths off, and takes a millisecond
-- or two, however large the table is. One that is due is never missed: the relay rings only where there is one.
with share as materialized (
    select least(1, 128 * 8192.0 / greatest(pg_relation_size('due'), 1)) as counted
),
sample as materialized (
    select count(*) as waiting
    from due tablesample system (least(100, 100 * 128 * 8192.0 / greatest(pg_relation_size('due'), 1)))
    where due_at <= now()
)
select
    case when waiting > 0 then cast(round(waiting / counted) as bigint)
        else (select count(*) from (select from due where due_at <= now() limit 1) one) end as waiting,
    (select now() - accepted_at from due where isfinite(accepted_at) order by accepted_at limit 1) as oldest
from sample
cross join share
