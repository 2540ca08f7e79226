-- A ticket as it arrived, and the latest that arrived before it and were reported within the window, each with how like
-- the two are: the cosine of their words, and how many words they share. The ticket itself is the row without `ticket_id`.
with mine as materialized (
    select * from arrival where tenant_id = :tenant_id and ticket_id = :ticket_id
),
earlier as materialized (
    select other.*
    from mine
    cross join lateral (
        select * from arrival
        where tenant_id = :tenant_id and arrived_at < mine.arrived_at
            and arrived_at > mine.reported_at - cast(:window as interval)
        order by arrived_at desc limit :most
    ) other
    where other.ticket_id <> mine.ticket_id
        and other.reported_at between mine.reported_at - cast(:window as interval)
            and mine.reported_at + cast(:window as interval)
)
select null as ticket_id, mine.number, mine.reported_at, mine.reporter, 0.0 as likeness, 0 as words, false as has_site,
    false as has_machine, false as has_source, null as storm_ticket_id,
    coalesce((select documents from corpus where tenant_id = :tenant_id and kind = 'ticket'), 0) as history,
    mine.arrived_at, cast(null as bigint[]) as terms, cast(null as real[]) as weights
from mine
union all
select earlier.ticket_id, earlier.number, earlier.reported_at, earlier.reporter, l.likeness, l.words,
    coalesce(earlier.site = mine.site, false), earlier.machines && mine.machines,
    coalesce(earlier.first_source = any(cast(:sources as text[])), false), earlier.storm_ticket_id, 0, earlier.arrived_at,
    earlier.terms, earlier.weights
from mine
cross join earlier
cross join lateral (
    select coalesce(sum(a.weight * b.weight), 0) as likeness, count(*) as words
    from unnest(mine.terms, mine.weights) a (term, weight)
    join unnest(earlier.terms, earlier.weights) b (term, weight) on a.term = b.term
) l
where l.likeness >= :least or earlier.storm_ticket_id is not null
order by arrived_at
