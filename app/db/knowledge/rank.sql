-- The documents of one kind that answer a query best, by BM25.
--
-- {documents}       the table of the documents, or what stands for it
-- {shown}           what is shown of the documents
-- {closeness}       of documents: how close the vector of their text is to the query's, 0 to 1; without vectors no row
-- :kind             `ticket` or `article`
-- :terms, :weights  the query's terms that some document holds, those that weigh most first (`weighing`)
-- :variants         of each a number: of the terms with the same one the best counts
-- :has_variants     whether two of them have the same one
-- :telling          by so many of them, the first ones, documents are looked for
-- :most             the most that a document could score
-- :mean_length      of the documents
-- :own_id           the ticket that asks: it does not find itself
-- :asked_at         when it was created (null: now)
-- :category         its category
-- :nearest          documents that are candidates too, by the vectors of their titles
-- :by_words, :by_text, :text_from   what the words and the vector of the text count for in the fit of a document that has one
-- :similar, :often, :most_often, :same_category, :ceiling   what links and the category count for, from link_weights.toml
--
-- A worked example: two documents of a `body` alone, and the query "printer jam". Each of its terms occurs once in it.
--
--     document   text                                  terms (how often)               length
--     A          printer jams                          printer 1, jam 1                2
--     B          printer offline, printer restarted    printer 2, offlin 1, restart 1  4       mean length 3
--
--     weight of a term = ln((documents + 1) / (documents that hold it + 0.5)): what is rare tells more
--         printer   ln(3 / 2.5) = 0.182
--         jam       ln(3 / 1.5) = 0.693
--     of a weight a document gets  2.2 · f / (f + 1.2 · (0.25 + 0.75 · length / mean length))  where f is how often
--     the document holds the term: more counts more, but less and less; in a long document each counts less
--         A   f = 1   2.2 · 1 / (1 + 1.2 · 0.75) = 1.158
--         B   f = 2   2.2 · 2 / (2 + 1.2 · 1.25) = 1.257
--     score
--         A   (0.182 + 0.693) · 1.158 = 1.013
--         B    0.182          · 1.257 = 0.229
--     fit = score / the most that a document could get, 2.2 · (0.182 + 0.693) = 1.926
--         A   0.526
--         B   0.119
--
-- Where both have a vector of their text, made by the same model:
--
--     fit = by_words · (the fit above) + by_text · (closeness - text_from, if it is that close)
--
-- What two configurations make of a word is one `variant`: one of them counts. Of the pairs of a few characters of Japanese
-- each counts. A term that begins with `=` stands for a whole string, such as an error code.
--
-- Where people linked tickets (`ticket_link`), a document is as relevant as the tickets like this one that lead to it:
--
--     lifted = (fit³ + the sum of (similar · fit of a candidate that is linked to it)³) ^ ⅓
--         · least(1 + often · ln(1 + how many tickets are linked to it), most_often)
--         · (1 + same_category, if it has the ticket's category)
--     limit = ceiling · the best fit of all candidates
--     relevance = lifted up to the limit, and 0.3 of what is above; but at least the fit and 0.05 of what links add to it
--
-- By the third powers and the limit, what fits well by itself stays in front of what many tickets lead to that fit badly.
-- Of the tickets above, if B is linked to A: ((0.526)³ + (0.9 · 0.119)³) ^ ⅓ = 0.527, once linked · (1 + 0.15 · ln 2) =
-- 0.582. A fits best, so with a ceiling of 1 the limit is 0.526, and A gets 0.526 + 0.3 · (0.582 - 0.526) = 0.543.
--
-- So k1 = 1.2 and b = 0.75, BM25's usual values; 2.2 = k1 + 1 and 0.25 = 1 - b. How the other figures were chosen
-- stands in bench/retrieval.md.

with query_term as (
    select *
    from unnest(
        cast(:terms as text[]), cast(:weights as float8[]), cast(:variants as integer[])
    ) with ordinality given (term, weight, variant, place)
),
-- The 150 documents that hold most of the telling ones, by weight and how often; of equals those that were stored last. Of a
-- term that more than 250 documents hold, only those that were stored last are read. A posting that a release before wrote
-- has no frequency.
candidate as materialized (
    select p.document
    from query_term
    cross join lateral (
        select document, coalesce(frequency, 1) as frequency
        from posting
        where tenant_id = :tenant_id and kind = :kind and term = query_term.term
        order by document desc
        limit 250
    ) p
    where place <= cast(:telling as integer)
    group by p.document
    order by sum(query_term.weight * p.frequency / (p.frequency + 1.2)) desc, p.document desc
    limit 150
),
-- Their rows and those of the nearest, by their numbers all at once, as below: not one by one, for which PostgreSQL might
-- choose an index that begins with the tenant alone while it believes the tenant to have few documents.
found as materialized (
    select document, id, terms, frequencies, length, created_at, category
    from {documents} d
    where tenant_id = :tenant_id and id <> :own_id
        and document = any(array(select document from candidate) || cast(:nearest as bigint[]))
),
-- Which of them is linked to which tickets, to 8 at most. Of all together, here and below, no more than 3,000 links are read:
-- thousands may lead to one document.
link as materialized (
    select distinct from_id, to_id
    from (
        select from_id, to_id, row_number() over (partition by from_id order by to_id) as place
        from (
            select from_id, to_id
            from ticket_link
            where tenant_id = :tenant_id and kind = :kind and from_id = any(array(select id from found))
            limit 3000
        ) l
    ) l
    where place <= 8
),
-- The documents that are linked and were not found by their words.
linked as materialized (
    select document, id, terms, frequencies, length, created_at, category
    from {documents} d
    where tenant_id = :tenant_id and id <> :own_id and indexed_digest is not null and id = any(array(
            select to_id
            from link
            where not exists (select from found where found.id = to_id)
            group by to_id
            order by count(*) desc, to_id
            limit 40
        ))
),
every as not materialized (
    select * from found
    union all
    select * from linked
),
-- What each of the query's terms that a document holds counts for in it. `places` has a bit for each of them: there are 60
-- at most.
part as not materialized (
    select held.document, q.variant, cast(1 as bigint) << cast(q.place - 1 as integer) as places,
        q.weight * 2.2 * held.frequency
            / (held.frequency + 1.2 * (0.25 + 0.75 * held.length / cast(:mean_length as float8))) as part
    -- Both at once in the list of columns, where PostgreSQL does not store their rows in between.
    from (select document, length, unnest(terms) as term, unnest(frequencies) as frequency from every) held
    join query_term q on q.term = held.term
),
-- The score of each document; to take the best of each variant, where most queries have none, cost a twentieth of all.
scored as (
    select document, sum(part) as score, bit_or(places) as places
    from part
    where not cast(:has_variants as boolean)
    group by document
    union all
    select document, sum(part), bit_or(places)
    from (
        select document, max(part) as part, bit_or(places) as places
        from part
        where cast(:has_variants as boolean)
        group by document, variant
    ) v
    group by document
),
-- How well each fits.
fitting as materialized (
    select every.id, every.created_at, every.category, coalesce(s.places, 0) as places,
        case when c.closeness is null then by_words.fit
            else :by_words * by_words.fit + :by_text * greatest(c.closeness - cast(:text_from as float8), 0) end as fit
    from every
    left join scored s on s.document = every.document
    cross join lateral (select coalesce(s.score, 0) / cast(:most as float8) as fit) by_words
    left join {closeness} c on c.document = every.document
),
-- A ticket as old as the query counts half as much again as an old one, and after 30 days a third of that half is left:
-- what breaks, breaks for many at a time.
ranked as (
    select f.id, f.places, f.fit, coalesce(l.fit, 0) as linked_fit,
        least(coalesce(t.times, 0), 20) as times_linked, cast(:category as text) <> '' and f.category = :category as is_same_category,
        coalesce(
            1 + 0.5 * exp(-greatest(
                date_part('epoch', coalesce(cast(:asked_at as timestamptz), now()) - f.created_at), 0
            ) / 86400 / 30),
            1
        ) as boost
    from fitting f
    left join (
        select link.to_id, power(sum(power(f.fit, 3)), cast(1 as float8) / 3) as fit
        from link
        join fitting f on f.id = link.from_id
        group by link.to_id
    ) l on l.to_id = f.id
    left join (
        select to_id, count(*) as times
        from (
            select to_id
            from ticket_link
            where tenant_id = :tenant_id and kind = :kind and from_id <> :own_id
                and to_id = any(array(select id from fitting))
            limit 3000
        ) l
        group by to_id
    ) t on t.to_id = f.id
),
best as materialized (
    select id, fit, linked_fit, times_linked, is_same_category, relevance, boost, places
    from ranked
    cross join lateral (
        select power(power(fit, 3) + power(cast(:similar as float8) * linked_fit, 3), cast(1 as float8) / 3)
            * least(1 + cast(:often as float8) * ln(1 + times_linked), cast(:most_often as float8))
            * (1 + cast(:same_category as float8) * cast(is_same_category as integer)) as lifted
        offset 0
    ) l
    cross join (select cast(:ceiling as float8) * max(fit) as most from fitting) lift
    cross join lateral (
        select greatest(fit + 0.05 * (lifted - fit), least(lifted, most + 0.3 * (lifted - most))) as relevance
    ) r
    order by relevance * boost desc, id desc
    limit :limit
)
-- With what is shown of each, and the votes for and against it, without those that an operator has taken back.
select best.*, coalesce(v.up, 0) as up, coalesce(v.down, 0) as down, own.*
from best
left join (
    select v.source_id, count(*) filter (where v.is_helpful) as up, count(*) filter (where not v.is_helpful) as down
    from source_vote v
    left join source_reset r on r.tenant_id = :tenant_id and r.kind = v.kind and r.source_id = v.source_id
    where v.tenant_id = :tenant_id and v.kind = :kind and v.source_id = any(array(select id from best))
        and (r.reset_at is null or v.voted_at > r.reset_at)
    group by v.source_id
) v on v.source_id = best.id
join ({shown} and id = any(array(select id from best)) offset 0) own on own.shown_id = best.id
order by relevance * boost desc, id desc
