-- What the other files share. `bench_piece` holds sentences with their terms; those numbered below 4,000 are subjects.
create table bench_tenant (number integer primary key, id uuid not null);

-- Deliveries are of 90 days. A tenth of them are of the first tenant.
create function bench_rows(first integer, last integer) returns table (n integer, at timestamptz, tenant_id uuid)
language sql as $$
    select n, now() - make_interval(secs => 7776000.0 * (last - n) / last), id
    from generate_series(first, last) n
    join bench_tenant on number = case when n % 10 = 0 then 0 else 1 + n % (select max(number) from bench_tenant) end
$$;

-- Documents, each of a subject, four sentences and an answer. What a word weighs in each is as `indexing` has it. One word
-- is the document's own, as names of machines are.
create function bench_documents(first integer, last integer)
returns table (n integer, subject text, body text, answer text, terms text[], frequencies real[], length real)
language sql as $$
    with chosen as materialized (
        select n, place, piece.content, piece.terms, piece.frequencies
        from generate_series(first, last) n
        cross join generate_series(0, 5) place
        join bench_piece piece on number = case place
            when 0 then abs(hashint4(n)) % 4000
            else 4000 + abs(hashint4(n * 6 + place)) % ((select max(number) from bench_piece) - 3999)
        end
    ),
    said as (
        select n, string_agg(content, ' ') filter (where place = 0) as subject,
            string_agg(content, ' ' order by place) filter (where place between 1 and 4) as body,
            string_agg(content, ' ') filter (where place = 5) as answer
        from chosen
        group by n
    ),
    held as (
        select n, term, cast(sum(frequency * case place when 0 then 3 when 5 then 0.5 else 1 end) as real) as frequency
        from (
            select n, place, unnest(terms) as term, unnest(frequencies) as frequency from chosen
            union all
            select n, 1, 'pc' || n % 200000, 1 from generate_series(first, last) n
        ) occurrence
        group by n, term
    ),
    indexed as (
        select n, array_agg(term order by term) as terms, array_agg(frequency order by term) as frequencies,
            sum(frequency) as length
        from held
        group by n
    )
    select n, subject, body || ' pc' || n % 200000, answer, terms, frequencies, length
    from said
    join indexed using (n)
    order by n
$$
