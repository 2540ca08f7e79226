-- Make a delivery the one that works on a version of a ticket. It takes the version over from another delivery only when
-- that one ended without a note, and never one that was written in shadow mode. A conflict waits for the other's transaction: of twenty deliveries about one
-- version at once, one gets the row. For the other nineteen this returns no row, and they read which delivery has it.
--
-- Besides, where the tenant wants storms to be found, store how the ticket arrived: hashes of its words with their
-- weights, of its machines, site and requester.
with turn as materialized (
    -- One arrival of a tenant at a time, until the commit. So whoever arrives later sees all that arrived earlier.
    select clock_timestamp() as arrived_at
    from (select cast(pg_advisory_xact_lock(hashtextextended(cast(cast(:tenant_id as uuid) as text), 7203005)) as text)) locked
    where cast(:has_arrival as boolean)
),
-- As in words.sql of app/db/knowledge: the lexemes of subject and body, without what one of the languages takes for a stop
-- word; then the terms that `reading` makes. Numbers and versions are left out: many tickets after an update name its version.
lexeme as (
    select lexeme as term, weight, count(*) over (partition by place, position) as read_by
    from (values (1, cast(:subject as text), 1.5), (2, cast(:body as text), 1.0)) field (place, content, weight)
    cross join unnest(cast(:configurations as text[])) configuration
    cross join lateral unnest(to_tsvector(cast(configuration as regconfig), content))
    cross join lateral unnest(positions) position
    where length(lexeme) <= cast(:max_term_chars as integer) and lexeme !~ '^v?-?[0-9]'
),
asked as (
    select term, max(weight) as weight
    from lexeme
    where read_by = cardinality(cast(:configurations as text[]))
    group by term
    union all
    select term, weight from jsonb_to_recordset(cast(:terms as jsonb)) own (term text, weight float8)
),
-- What is rare among resolved tickets tells more.
weighted as (
    select asked.term, asked.weight * ln((coalesce(
            (select documents from corpus where tenant_id = :tenant_id and kind = 'ticket'), 0
        ) + 1) / (coalesce(t.documents, 0) + cast(0.5 as float8))) as weight
    from asked
    left join lateral (
        select documents from term where tenant_id = :tenant_id and kind = 'ticket' and term = asked.term
        offset 0
    ) t on true
    where cast(:has_arrival as boolean)
        and not exists (select from unnest(string_to_array(:generic_terms, ' ')) generic where generic = asked.term)
    order by weight desc, term
    limit 40
),
sketch as (
    select coalesce(array_agg(hashtextextended(term, 7203) order by term), '{}') as terms,
        coalesce(array_agg(cast(weight / length as real) order by term), '{}') as weights
    from (select term, weight, sqrt(sum(weight * weight) over ()) as length from weighted where weight > 0) w
),
arrived as (
    insert into arrival as known (
        tenant_id, ticket_id, number, arrived_at, reported_at, reporter, site, machines, is_outage, terms, weights
    )
    select cast(:tenant_id as uuid), cast(:ticket_id as text), cast(:number as text), turn.arrived_at,
        cast(:reported_at as timestamptz),
        hashtextextended(nullif(lower(cast(:requester as text)), ''), 7203), hashtextextended(nullif(lower(cast(:site as text)), ''), 7203),
        array(select hashtextextended(machine, 7203) from unnest(cast(:machines as text[])) machine),
        cast(:is_outage as boolean), sketch.terms, sketch.weights
    from turn
    cross join sketch
    on conflict (tenant_id, ticket_id) do update
        set terms = excluded.terms, weights = excluded.weights, machines = excluded.machines, is_outage = excluded.is_outage
        where known.terms is distinct from excluded.terms
)
insert into enhancement as mine (tenant_id, ticket_id, version, job_id, ticket_updated_at)
values (:tenant_id, :ticket_id, :version, :job_id, :ticket_updated_at)
on conflict (tenant_id, ticket_id, version) do update
    set job_id = excluded.job_id, ticket_updated_at = greatest(mine.ticket_updated_at, excluded.ticket_updated_at)
    where mine.job_id = excluded.job_id or mine.note_id is null and mine.shadowed_at is null and exists (
        select from delivery
        where delivery.tenant_id = mine.tenant_id and delivery.job_id = mine.job_id
            and delivery.status not in ('pending', 'processing')
    )
returning content, now() - posting_at as posting_age, note_id, shadowed_at is not null as is_shadowed,
    -- Whether another delivery has a newer version of the ticket. Then that version gets the note.
    exists (
        select from enhancement other
        where other.tenant_id = mine.tenant_id and other.ticket_id = mine.ticket_id
            and other.job_id <> mine.job_id and other.ticket_updated_at > mine.ticket_updated_at
    ) as is_outdated
