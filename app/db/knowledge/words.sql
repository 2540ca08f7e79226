-- The terms of a query, as PostgreSQL makes them of its words, and how many documents of each kind hold them.
--
-- :configurations   PostgreSQL's text search configurations, e.g. `english`: they make terms of words
-- :subject, :body   the query's words
-- :own_terms        the query's further terms, made by `reading`
-- :max_term_chars   longer lexemes are left out, as they are of the index
--
-- Returns a row for each kind of which there are documents and each term; `term` is null where the query has none. `place` is
-- the same for what two configurations make of one word, and null for :own_terms.
--
-- What the configurations make of the word at each place of subject and body. A number of one or two digits is no term.
with lexeme as (
    select lexeme as term, first + position as place, worth, count(*) over (partition by first + position) as read_by
    from (values (0, cast(:subject as text), 2), (100000, cast(:body as text), 1)) field (first, content, worth)
    cross join unnest(cast(:configurations as text[])) configuration
    cross join lateral unnest(to_tsvector(cast(configuration as regconfig), content))
    cross join lateral unnest(positions) position
    where length(lexeme) <= cast(:max_term_chars as integer) and lexeme !~ '^-?[0-9]{1,2}$'
),
-- How often each occurs: once in the subject is worth twice in the body. A word that one configuration takes for a stop word
-- is none.
asked as materialized (
    select term, min(place) as place, sum(worth) as frequency
    from (
        select distinct term, place, worth
        from lexeme
        where read_by = cardinality(cast(:configurations as text[]))
    ) l
    group by term
    union all
    select term, null, null from unnest(cast(:own_terms as text[])) term
)
select corpus.kind, corpus.documents as searched, corpus.total_length / corpus.documents as mean_length,
    asked.term, asked.place, asked.frequency, coalesce(known.documents, 0) as documents
from corpus
left join asked on true
-- By their keys all at once. Without `offset 0` PostgreSQL could join the table as a whole where it believes the tenant's part
-- of it to be small, as it does of a tenant that came after it last counted.
left join (
    select kind, term, documents
    from term
    where tenant_id = :tenant_id and kind in ('ticket', 'article') and term = any(array(select term from asked))
    offset 0
) known on known.kind = corpus.kind and known.term = asked.term
where corpus.tenant_id = :tenant_id and corpus.documents > 0
