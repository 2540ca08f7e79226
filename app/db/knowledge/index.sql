-- Brings the index in step with the documents :ids of one kind, under the lock on the tenant's row of `corpus`.
--
-- :kind             `ticket` or `article`
-- :keep             false: these documents leave the index, whatever they say
-- :version          of these rules; another one has every document indexed anew
-- :configuration    PostgreSQL's text search configuration, e.g. `english`: it makes terms of words
-- :max_term_chars   longer terms are left out
--
-- Returns the postings that hold no more; the caller deletes them by their keys. Here they could only be joined, and
-- where PostgreSQL believes the tenant's part of a table to be small, as it does of a tenant that came after it last
-- counted, it may read all of the tenant's postings for that. `offset 0` keeps a look-up by key a look-up for each row.
--
-- A term that stays in a document costs no write of its posting, so a changed document costs what changed. E.g. the
-- ticket of document 7 was indexed with the terms {jam, printer} and now says "Printer offline" in its subject alone:
--
--     fresh   old terms {jam, printer}   new terms {offlin, printer}   frequencies {3, 3}   length 6
--     gone    (7, jam)       `term` counts one document less for `jam`, the caller deletes the posting
--     come    (7, offlin)    `term` counts one document more for `offlin`, and there is a new posting
--
-- `corpus` counts the same number of documents, and 6 less the old length more.

-- What each document consists of, in one shape for both kinds.
with document as (
    select d.*
    from unnest(cast(:ids as text[])) given (id)
    cross join lateral (
        select id, document, terms, length, indexed_digest, subject as heading, description as body, resolution,
            resolved_at is not null and resolution <> '' as is_searchable
        from ticket
        where :kind = 'ticket' and tenant_id = :tenant_id and id = given.id
        union all
        select id, document, terms, length, indexed_digest, title, text, null, true
        from article
        where :kind = 'article' and tenant_id = :tenant_id and id = given.id
        offset 0
    ) d
),
-- What each should be indexed by (null: not at all). `concat_ws` leaves out what is null.
wanted as (
    select *,
        case when is_searchable and cast(:keep as boolean) then sha256(convert_to(
            concat_ws(chr(31), cast(:version as text), cast(:configuration as text), heading, body, resolution), 'UTF8'
        )) end as digest
    from document
),
-- The documents where that is not so yet, with their terms. An occurrence in the heading is worth three in the body,
-- one in the resolution half of one (chosen in bench/retrieval.md). What follows 32,000 characters of a field is a log
-- or a mail's history, and `to_tsvector` takes 1 MiB at most.
fresh as (
    select w.document, w.id, w.digest, w.indexed_digest as old_digest, w.terms as old_terms, w.length as old_length,
        f.terms, f.frequencies, f.length
    from wanted w
    cross join lateral (
        select coalesce(array_agg(term order by term), '{}') as terms,
            coalesce(array_agg(frequency order by term), '{}') as frequencies, coalesce(sum(frequency), 0) as length
        from (
            select lexeme as term, cast(sum(weight * cardinality(positions)) as real) as frequency
            from (values (w.heading, 3.0), (w.body, 1.0), (w.resolution, 0.5)) field (content, weight)
            cross join lateral unnest(
                -- As text first: `concat_ws` above takes the same parameter for a text.
                to_tsvector(cast(cast(:configuration as text) as regconfig), left(content, 32000))
            )
            where w.digest is not null and length(lexeme) <= cast(:max_term_chars as integer)
            group by lexeme
        ) t
    ) f
    where w.indexed_digest is distinct from w.digest
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
added as (
    insert into posting (tenant_id, kind, term, document)
    select :tenant_id, :kind, term, document from come order by term, document
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
