-- The documents of one kind that answer a query best, by BM25.
--
-- :kind             `ticket` or `article`
-- :configurations   PostgreSQL's text search configurations, e.g. `english`: they make terms of words
-- :subject, :body   the query's words
-- :terms            the query's further terms, made by `reading`, as a JSON array of {term, word, words, frequency}
-- :generic          words that say nothing in a small corpus
-- :generic_terms    terms that do
-- :max_term_chars   longer lexemes are left out, as they are of the index
-- :own_id           the ticket that asks: it does not find itself
-- :asked_at         when it was created (null: now)
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
-- Terms of one `word` overlap, and together they say one thing: what two configurations make of a word (one of them
-- counts), the pairs of a few characters of Japanese (each counts). A term that begins with `=` stands for a whole
-- string, such as an error code: who shares a rare one shares the problem, whatever the language around it.
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
-- The terms by which documents are looked for: as many as have 5,000 postings together, those first that tell much and
-- have few postings. A common term finds no candidate; it counts in the score of each.
telling as (
    select term, weight
    from (
        select term, weight,
            sum(documents) over (order by weight / sqrt(documents) desc, term rows unbounded preceding) as postings
        from weighted
        where documents > 0
    ) w
    where postings <= 5000
),
-- The 200 documents that hold most of them, by weight; of equals those that were stored last.
candidate as materialized (
    select p.document
    from telling
    cross join lateral (
        select document from posting where tenant_id = :tenant_id and kind = :kind and term = telling.term
        offset 0
    ) p
    group by p.document
    order by sum(telling.weight) desc, p.document desc
    limit 200
),
-- The most that a document could score: by the 12 terms that weigh most, else no document could fit a long ticket.
asked as (
    select 2.2 * sum(weight) filter (where place <= 12) as most, count(distinct word) as words
    from (
        select word, max(weight) as weight, row_number() over (order by max(weight) desc) as place
        from weighted
        group by variant, word
    ) w
)
select d.id, m.score / asked.most as fit, d.boost, m.terms, m.weights, m.words, asked.words as asked_words,
    m.has_rare_string
from asked
cross join candidate
-- The candidate's row. A ticket as old as the query counts half as much again as an old one, and after 30 days a third
-- of that half is left: what breaks, breaks for many at a time.
cross join lateral (
    select id, terms, frequencies, length,
        coalesce(
            1 + 0.5 * exp(-greatest(
                cast(extract(epoch from coalesce(cast(:asked_at as timestamptz), now()) - created_at) as float8),
                0
            ) / 86400 / 30),
            1
        ) as boost
    from ticket
    where :kind = 'ticket' and tenant_id = :tenant_id and document = candidate.document and id <> :own_id
    union all
    select id, terms, frequencies, length, 1 as boost
    from article
    where :kind = 'article' and tenant_id = :tenant_id and document = candidate.document
    offset 0
) d
-- Its score, over all of the query's terms that it holds.
cross join lateral (
    select array_agg(term) as terms, array_agg(weight) as weights, sum(part) filter (where place = 1) as score,
        sum(words) filter (where nth = 1) as words, bool_or(is_rare_string) as has_rare_string
    from (
        select *, row_number() over (partition by variant order by part desc) as place,
            row_number() over (partition by word order by words desc) as nth
        from (
            select weighted.*,
                weight * 2.2 * held.frequency / (held.frequency + 1.2 * (0.25 + 0.75 * d.length / mean_length)) as part
            from unnest(d.terms, d.frequencies) held (term, frequency)
            -- All rows fulfil both conditions. They make PostgreSQL expect few, so that it hashes the query's terms, once,
            -- and not each document's: a sixth of the time.
            join (select * from weighted where words > 0 and weight > -1e9) weighted using (term)
        ) p
    ) h
) m
order by m.score * d.boost desc, d.id desc
limit :limit
