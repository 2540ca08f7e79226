-- The documents of one kind that answer a query best, by BM25.
--
-- {documents}       the table of the documents, or what stands for it
-- {closeness}       of documents: how close the vector of their text is to the query's, 0 to 1; without vectors no row
-- :kind             `ticket` or `article`
-- :configurations   PostgreSQL's text search configurations, e.g. `english`: they make terms of words
-- :subject, :body   the query's words
-- :terms            the query's further terms, made by `reading`, as a JSON array of {term, word, words, frequency}
-- :generic          words that say nothing in a small corpus
-- :generic_terms    terms that do
-- :max_term_chars   longer lexemes are left out, as they are of the index
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
-- Terms of one `word` overlap, and together they say one thing: what two configurations make of a word (one of them
-- counts), the pairs of a few characters of Japanese (each counts). A term that begins with `=` stands for a whole
-- string, such as an error code: who shares a rare one shares the problem, whatever the language around it.
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
--
-- `offset 0` keeps a look-up by key a look-up for each row. Without it PostgreSQL could join the table as a whole where
-- it believes the tenant's part of it to be small, as it does of a tenant that came after it last counted.

-- How large the corpus is; no row, and so no result, when nothing is in it.
with total as materialized (
    select documents, total_length / documents as mean_length
    from corpus
    where tenant_id = :tenant_id and kind = :kind and documents > 0
),
-- From 1,000 documents on, the corpus itself tells which words say nothing.
generic as materialized (
    select case when documents < 1000 then cast(:generic_terms as text[]) || array(
            select lexeme
            from unnest(cast(:configurations as text[])) configuration
            cross join lateral unnest(to_tsvector(cast(configuration as regconfig), :generic))
        )
        else '{}' end as words
    from total
),
-- What the configurations make of the word at each place of subject and body.
lexeme as (
    select field.place, weight, position, lexeme as term, configuration
    from (values (1, cast(:subject as text), 2.0), (2, cast(:body as text), 1.0)) field (place, content, weight)
    cross join unnest(cast(:configurations as text[])) configuration
    cross join lateral unnest(to_tsvector(cast(configuration as regconfig), content))
    cross join lateral unnest(positions) position
    where length(lexeme) <= cast(:max_term_chars as integer) and lexeme !~ '^-?[0-9]{1,2}$'
),
-- A word that one of them takes for a stop word is none.
spoken as (
    select place, position
    from lexeme
    group by place, position
    having count(distinct configuration) = cardinality(cast(:configurations as text[]))
),
-- The query's terms, and how often each occurs in it: once in the subject is worth twice in the body. A number of one
-- or two digits is no term. Of the terms of one variant the best counts; `words` says how many words it is worth.
query_term as (
    select term, min(place || ':' || position) as variant, min(place || ':' || position) as word, 1 as words,
        cast(sum(weight) as float8) as frequency
    from (select distinct place, position, weight, term from lexeme join spoken using (place, position)) l
    group by term
    union all
    select term, term, word, words, frequency
    from jsonb_to_recordset(cast(:terms as jsonb)) own (term text, word text, words integer, frequency float8)
),
-- What each term weighs, and in how many documents it occurs: the 60 that weigh most. In the query too more counts more
-- but less and less: f · 9 / (f + 8), which is 1 for a term that occurs once.
weighted as materialized (
    select q.term, q.variant, q.word, q.words, coalesce(t.documents, 0) as documents, total.mean_length,
        q.term like '=%' and t.documents <= greatest(3, total.documents / 50) as is_rare_string,
        q.frequency * 9 / (q.frequency + 8)
            * ln((total.documents + 1) / (coalesce(t.documents, 0) + cast(0.5 as float8))) as weight
    from query_term q
    cross join total
    left join lateral (
        select documents from term where tenant_id = :tenant_id and kind = :kind and term = q.term
        offset 0
    ) t on true
    where q.term <> all(cast((select words from generic) as text[]))
    order by weight desc, q.term
    limit 60
),
-- The terms by which documents are looked for: those that weigh most, as many as have 4,000 postings together. Of a term
-- that more than 250 documents hold, only those that were stored last are read. So what is read does not grow with the
-- corpus, nor where all documents hold the same few words; a rare term is always read whole.
telling as (
    select term, weight
    from (
        select term, weight,
            sum(least(documents, 250)) over (order by weight desc, term rows unbounded preceding) as postings
        from weighted
        where documents > 0
    ) w
    where postings <= 4000
),
-- The 150 documents that hold most of them, by weight and how often; of equals those that were stored last. A posting
-- that a release before wrote has no frequency.
candidate as materialized (
    select p.document
    from telling
    cross join lateral (
        select document, coalesce(frequency, 1) as frequency
        from posting
        where tenant_id = :tenant_id and kind = :kind and term = telling.term
        order by document desc
        limit 250
    ) p
    group by p.document
    order by sum(telling.weight * p.frequency / (p.frequency + 1.2)) desc, p.document desc
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
-- Which of them is linked to which ticket.
link as materialized (
    select distinct found.id as from_id, l.to_id
    from found
    cross join lateral (
        select to_id
        from ticket_link
        where tenant_id = :tenant_id and from_id = found.id and kind = :kind
        order by to_id
        limit 8
    ) l
),
-- With the documents that are linked and were not found by their words.
every as materialized (
    select document, id, terms, frequencies, length, created_at, category from found
    union all
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
-- The most that a document could score: by the 12 terms that weigh most, else no document could fit a long ticket.
asked as materialized (
    select 2.2 * sum(weight) filter (where place <= 12) as most, count(distinct word) as words
    from (
        select word, max(weight) as weight, row_number() over (order by max(weight) desc) as place
        from weighted
        group by variant, word
    ) w
),
-- The score of each, over all of the query's terms that it holds.
scored as materialized (
    select id, sum(part) as score, sum(words) as words, bool_or(is_rare_string) as has_rare_string
    from (
        select id, word, sum(part) as part, max(words) as words, bool_or(is_rare_string) as is_rare_string
        from (
            select held.id, w.variant, w.word, max(w.words) as words, bool_or(w.is_rare_string) as is_rare_string,
                max(w.weight * 2.2 * held.frequency
                    / (held.frequency + 1.2 * (0.25 + 0.75 * held.length / w.mean_length))) as part
            -- Both at once in the list of columns, where PostgreSQL does not store their rows in between.
            from (select id, length, unnest(terms) as term, unnest(frequencies) as frequency from every) held
            -- All rows fulfil both conditions. They make PostgreSQL expect few, so that it hashes the query's terms, and
            -- not the documents'.
            join (select * from weighted where words > 0 and weight > -1e9) w on w.term = held.term
            group by held.id, w.variant, w.word
        ) v
        group by id, word
    ) w
    group by id
),
-- How well each fits.
fitting as materialized (
    select every.id, coalesce(s.words, 0) as words, coalesce(s.has_rare_string, false) as has_rare_string,
        case when c.closeness is null then by_words.fit
            else :by_words * by_words.fit + :by_text * greatest(c.closeness - cast(:text_from as float8), 0) end as fit
    from every
    cross join asked
    left join scored s on s.id = every.id
    cross join lateral (select coalesce(s.score, 0) / asked.most as fit) by_words
    left join {closeness} c on c.document = every.document
),
-- A ticket as old as the query counts half as much again as an old one, and after 30 days a third of that half is left:
-- what breaks, breaks for many at a time.
ranked as (
    select every.id, every.terms, f.fit, f.words, f.has_rare_string, coalesce(l.fit, 0) as linked_fit,
        t.times as times_linked, cast(:category as text) <> '' and every.category = :category as is_same_category,
        coalesce(
            1 + 0.5 * exp(-greatest(
                cast(extract(epoch from coalesce(cast(:asked_at as timestamptz), now()) - every.created_at) as float8),
                0
            ) / 86400 / 30),
            1
        ) as boost
    from every
    join fitting f on f.id = every.id
    left join (
        select link.to_id, power(sum(power(f.fit, 3)), cast(1 as float8) / 3) as fit
        from link
        join fitting f on f.id = link.from_id
        group by link.to_id
    ) l on l.to_id = every.id
    cross join lateral (
        select count(*) as times
        from (
            select
            from ticket_link
            where tenant_id = :tenant_id and kind = :kind and to_id = every.id and from_id <> :own_id
            limit 20
        ) one
    ) t
),
best as materialized (
    select ranked.*, relevance
    from ranked
    cross join lateral (
        select power(power(fit, 3) + power(cast(:similar as float8) * linked_fit, 3), cast(1 as float8) / 3)
            * least(1 + cast(:often as float8) * ln(1 + times_linked), cast(:most_often as float8))
            * (1 + cast(:same_category as float8) * cast(is_same_category as integer)) as lifted
    ) l
    cross join (select cast(:ceiling as float8) * max(fit) as most from fitting) lift
    cross join lateral (
        select greatest(fit + 0.05 * (lifted - fit), least(lifted, most + 0.3 * (lifted - most))) as relevance
    ) r
    order by relevance * boost desc, id desc
    limit :limit
)
select id, fit, linked_fit, times_linked, is_same_category, relevance, boost, best.words, asked.words as asked_words,
    total.documents as searched, has_rare_string, h.terms, h.weights
from best
cross join asked
cross join total
cross join lateral (
    select coalesce(array_agg(term), '{}') as terms, coalesce(array_agg(weight), '{}') as weights
    from unnest(best.terms) term
    join (select * from weighted where words > 0 and weight > -1e9) w using (term)
) h
order by relevance * boost desc, id desc
