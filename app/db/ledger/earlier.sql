-- A ticket as it arrived, and the latest that arrived before it (:with_later: after it too) and were reported within the
-- window, each with how like the two are: the cosine of their words, and how many words they share. The ticket itself is the
-- row without `ticket_id`.
with mine as materialized (
    select * from arrival where tenant_id = :tenant_id and ticket_id = :ticket_id
),
earlier as materialized (
    select other.*
    from mine
    cross join lateral (
        select * from arrival
        where tenant_id = :tenant_id and arrived_at < case when cast(:with_later as boolean) then 'infinity' else mine.arrived_at end
            and arrived_at > mine.reported_at - cast(:window as interval)
        order by arrived_at desc limit :most
    ) other
    where other.ticket_id <> mine.ticket_id
        and other.reported_at between mine.reported_at - cast(:window as interval)
            and mine.reported_at + cast(:window as interval)
),
-- All at once: to compare them one by one took twice as long for a hundred.
alike as (
    select ticket_id, sum(mine.weight * held.weight) as likeness, count(*) as words
    from (select ticket_id, unnest(terms) as term, unnest(weights) as weight from earlier) held
    join (select unnest(terms) as term, unnest(weights) as weight from mine) mine on mine.term = held.term
    group by ticket_id
)
select null as ticket_id, mine.number, mine.reported_at, mine.reporter, 0.0 as likeness, 0 as words, false as has_site,
    false as has_machine, false as has_source, false as are_outages, null as storm_ticket_id,
    coalesce((select documents from corpus where tenant_id = :tenant_id and kind = 'ticket'), 0) as history,
    mine.arrived_at, false as is_later, cast(null as bigint[]) as terms, cast(null as real[]) as weights
from mine
union all
select earlier.ticket_id, earlier.number, earlier.reported_at, earlier.reporter, coalesce(alike.likeness, 0), coalesce(alike.words, 0),
    coalesce(earlier.site = mine.site, false), earlier.machines && mine.machines,
    coalesce(earlier.first_source = any(cast(:sources as text[])), false), earlier.is_outage and mine.is_outage, earlier.storm_ticket_id, 0, earlier.arrived_at,
    earlier.arrived_at > mine.arrived_at, earlier.terms, earlier.weights
from mine
cross join earlier
left join alike on alike.ticket_id = earlier.ticket_id
where alike.likeness >= :least or earlier.storm_ticket_id is not null or earlier.is_outage and mine.is_outage
order by arrived_at
