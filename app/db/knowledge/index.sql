-- Brings the index in step with some documents of one kind, under the lock on the tenant's row of `corpus`.
--
-- :kind        `ticket` or `article`
-- :documents   a JSON array, for each document that is to be indexed otherwise than it is
--     id
--     digest           tells by what it is indexed, hex; null: it leaves the index
--     configurations   PostgreSQL's text search configurations, e.g. `english`: they make terms of words
--     fields           {content, weight} each: how much one occurrence of a word in it is worth
--     terms            {term: how often}, made by `reading`, weighted already
-- :ids         their ids once more
-- :max_term_chars   longer lexemes are left out
--
-- Returns the postings that hold no more; the caller deletes them by their keys. Here they could only be joined, and
-- where PostgreSQL believes the tenant's part of a table to be small, as it does of a tenant that came after it last
-- counted, it may read all of the tenant's postings for that. `offset 0` keeps a look-up by key a look-up for each row.
--
-- A term that stays in a document, as often as before, costs no write of its posting, so a changed document costs what
-- changed. E.g. the
-- ticket of document 7 was indexed with the terms {jam, printer} and now says "Printer offline" in its subject alone:
--
--     fresh   old terms {jam, printer}   new terms {offlin, printer}   frequencies {3, 3}   length 6
--     gone    (7, jam)       `term` counts one document less for `jam`, the caller deletes the posting
--     come    (7, offlin)    `term` counts one document more for `offlin`, and there is a new posting, with frequency 3
--
-- `corpus` counts the same number of documents, and 6 less the old length more.

with given as (
    select *
    from jsonb_to_recordset(cast(:documents as jsonb))
        given (id text, digest text, configurations jsonb, fields jsonb, terms jsonb)
),
-- What the index knows of each so far. Read once for all: of a tenant that came after PostgreSQL last counted it believes
-- that there are no rows, and might look for each document among all of the tenant's.
document as (
    select d.*, given.digest as new_digest, given.configurations, given.fields, given.terms as own_terms
    from given
    join (
        select id, document, terms, length, indexed_digest
        from ticket
        where :kind = 'ticket' and tenant_id = :tenant_id and id = any(cast(:ids as text[]))
        union all
        select id, document, terms, length, indexed_digest
        from article
        where :kind = 'article' and tenant_id = :tenant_id and id = any(cast(:ids as text[]))
        offset 0
    ) d on d.id = given.id
),
-- With its new terms. A word that two configurations make the same term of occurs once; one that either takes for a
-- stop word is none.
fresh as (
    select d.document, d.id, decode(d.new_digest, 'hex') as digest, d.indexed_digest as old_digest,
        d.terms as old_terms, d.length as old_length, f.terms, f.frequencies, f.length
    from document d
    cross join lateral (
        select coalesce(array_agg(term order by term), '{}') as terms,
            coalesce(array_agg(frequency order by term), '{}') as frequencies, coalesce(sum(frequency), 0) as length
        from (
            select term, cast(sum(frequency) as real) as frequency
            from (
                select term, max(weight * occurrences) as frequency
                from (
                    select term, place, weight, configuration, count(*) as occurrences
                    from (
                        select lexeme as term, place, cast(field ->> 'weight' as float8) as weight, configuration,
                            count(*) over (partition by place, position) as read_by
                        from jsonb_array_elements(d.fields) with ordinality given_field (field, place)
                        cross join jsonb_array_elements_text(d.configurations) configuration
                        cross join lateral unnest(to_tsvector(cast(configuration as regconfig), field ->> 'content'))
                        cross join lateral unnest(positions) position
                        where length(lexeme) <= cast(:max_term_chars as integer)
                    ) l
                    where read_by >= jsonb_array_length(d.configurations)
                    group by term, place, weight, configuration
                ) o
                group by term, place
                union all
                select key, cast(value as float8) from jsonb_each_text(d.own_terms)
            ) occurrence
            group by term
        ) t
        where d.new_digest is not null
    ) f
),
gone as (
    select document, unnest(old_terms) as term from fresh
    except
    select document, unnest(terms) from fresh
),
come as (
    select document, unnest(terms) as term from fresh
    except
    select document, unnest(old_terms) from fresh
),
-- A term that stays is written again only where it occurs otherwise often, or where a release before wrote it.
added as (
    insert into posting (tenant_id, kind, term, document, frequency)
    select :tenant_id, :kind, held.term, fresh.document, held.frequency
    from fresh
    cross join lateral unnest(fresh.terms, fresh.frequencies) held (term, frequency)
    order by held.term, fresh.document
    on conflict (tenant_id, kind, term, document) do update set frequency = excluded.frequency
    where posting.frequency is distinct from excluded.frequency
),
-- In how many documents each of these terms occurs now; 0 is left for the caller to delete.
counted as (
    insert into term (tenant_id, kind, term, documents)
    select :tenant_id, :kind, term, sum(change)
    from (select term, 1 as change from come union all select term, -1 from gone) changed
    group by term
    having sum(change) <> 0
    order by term
    on conflict (tenant_id, kind, term) do update set documents = term.documents + excluded.documents
),
-- `id = any(:ids)` beside the join: so the rows are looked up by their key, whichever way PostgreSQL joins.
ticket_written as (
    update ticket t
    set terms = f.terms, frequencies = f.frequencies, length = f.length, indexed_digest = f.digest
    from fresh f
    where :kind = 'ticket' and t.tenant_id = :tenant_id and t.id = any(cast(:ids as text[])) and t.id = f.id
),
article_written as (
    update article a
    set terms = f.terms, frequencies = f.frequencies, length = f.length, indexed_digest = f.digest
    from fresh f
    where :kind = 'article' and a.tenant_id = :tenant_id and a.id = any(cast(:ids as text[])) and a.id = f.id
),
summed as (
    update corpus c
    set documents = c.documents + change.documents, total_length = c.total_length + change.length
    from (
        select sum(cast(digest is not null as integer) - cast(old_digest is not null as integer)) as documents,
            sum(length - old_length) as length
        from fresh
        having count(*) > 0
    ) change
    where c.tenant_id = :tenant_id and c.kind = :kind
)
select term, document from gone
