"""What an attempt stores, each in one statement: a transaction of several round trips took twice the CPU on both sides.

Functions, since a plain `update` may look for rows before it has set the tenant. These set it first, and then read and write
with the caller's rights, so under row-level security, as their own statements did. What is told of a broken connection leaves
open whether it was done, so each may be called twice: a second call changes nothing that the first one did.

A release that needs another function makes one with another name, and drops this one a release later. Expands only: the
release before has the statements in files of its own.

Revision ID: 2026_11_30_1510
Revises: 2026_11_30_1500
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_30_1510"
down_revision = "2026_11_30_1500"

# Make a delivery the one that works on a version of a ticket. It takes the version over from another delivery only when
# that one ended without a note, and never one that was written in shadow mode. A conflict waits for the other's transaction:
# of twenty deliveries about one version at once, one gets the row. The other nineteen get the job id of which delivery has it.
#
# `is_outdated`: another delivery has a newer version of the ticket. Then that version gets the note.
#
# Besides, where the tenant wants storms to be found, store how the ticket arrived: hashes of its words with their weights, of
# its machines, site and requester. One arrival of a tenant at a time, until the commit: so whoever arrives later sees all that
# arrived earlier.
#
# Its words are read as in words.sql of app/db/knowledge: the lexemes of subject and body, without what one of the languages
# takes for a stop word; then the terms that `reading` makes. Numbers and versions are left out: many tickets after an update
# name its version. What is rare among resolved tickets tells more.
RESERVE_VERSION = """
create function reserve_version(
    _tenant_id uuid, _ticket_id text, _version text, _job_id uuid, _ticket_updated_at timestamptz, _has_arrival boolean,
    _number text, _reported_at timestamptz, _requester text, _site text, _machines text[], _is_outage boolean,
    _subject text, _body text, _terms jsonb, _configurations text[], _max_term_chars integer, _generic_terms text
) returns table (
    job_id uuid, content jsonb, posting_age interval, note_id text, is_shadowed boolean, is_outdated boolean
)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    perform set_config('app.tenant_id', _tenant_id::text, true), set_config('synchronous_commit', 'off', true);
    insert into enhancement as mine (tenant_id, ticket_id, version, job_id, ticket_updated_at)
    values (_tenant_id, _ticket_id, _version, _job_id, _ticket_updated_at)
    on conflict (tenant_id, ticket_id, version) do update
        set job_id = excluded.job_id, ticket_updated_at = greatest(mine.ticket_updated_at, excluded.ticket_updated_at)
        where mine.job_id = excluded.job_id or mine.note_id is null and mine.shadowed_at is null and exists (
            select from delivery
            where delivery.tenant_id = mine.tenant_id and delivery.job_id = mine.job_id
                and delivery.status not in ('pending', 'processing')
        )
    returning mine.job_id, mine.content, now() - posting_at, mine.note_id, shadowed_at is not null,
        exists (
            select from enhancement other
            where other.tenant_id = mine.tenant_id and other.ticket_id = mine.ticket_id
                and other.job_id <> mine.job_id and other.ticket_updated_at > mine.ticket_updated_at
        )
    into job_id, content, posting_age, note_id, is_shadowed, is_outdated;
    if not found then
        return query
            select job_id, null::jsonb, null::interval, note_id, shadowed_at is not null, false
            from enhancement where tenant_id = _tenant_id and ticket_id = _ticket_id and version = _version;
        return;
    end if;
    if _has_arrival and note_id is null and not is_outdated then
        perform pg_advisory_xact_lock(hashtextextended(_tenant_id::text, 7203005));
        with lexeme as (
            select lexeme as term, weight, count(*) over (partition by place, position) as read_by
            from (values (1, _subject, 1.5), (2, _body, 1.0)) field (place, content, weight)
            cross join unnest(_configurations) configuration
            cross join lateral unnest(to_tsvector(configuration::regconfig, content))
            cross join lateral unnest(positions) position
            where length(lexeme) <= _max_term_chars and lexeme !~ '^v?-?[0-9]'
        ),
        asked as (
            select term, max(weight) as weight
            from lexeme
            where read_by = cardinality(_configurations)
            group by term
            union all
            select term, weight from jsonb_to_recordset(_terms) own (term text, weight float8)
        ),
        weighted as (
            select asked.term, asked.weight * ln((coalesce(
                    (select documents from corpus where tenant_id = _tenant_id and kind = 'ticket'), 0
                ) + 1) / (coalesce(t.documents, 0) + 0.5::float8)) as weight
            from asked
            left join lateral (
                select documents from term where tenant_id = _tenant_id and kind = 'ticket' and term = asked.term
                offset 0
            ) t on true
            where not exists (select from unnest(string_to_array(_generic_terms, ' ')) generic where generic = asked.term)
            order by weight desc, term
            limit 40
        ),
        sketch as (
            select coalesce(array_agg(hashtextextended(term, 7203) order by term), '{}') as terms,
                coalesce(array_agg((weight / length)::real order by term), '{}') as weights
            from (select term, weight, sqrt(sum(weight * weight) over ()) as length from weighted where weight > 0) w
        )
        insert into arrival as known (
            tenant_id, ticket_id, number, arrived_at, reported_at, reporter, site, machines, is_outage, terms, weights
        )
        select _tenant_id, _ticket_id, _number, clock_timestamp(), _reported_at,
            hashtextextended(nullif(lower(_requester), ''), 7203), hashtextextended(nullif(lower(_site), ''), 7203),
            array(select hashtextextended(machine, 7203) from unnest(_machines) machine), _is_outage,
            sketch.terms, sketch.weights
        from sketch
        on conflict (tenant_id, ticket_id) do update
            set terms = excluded.terms, weights = excluded.weights, machines = excluded.machines,
                is_outage = excluded.is_outage
            where known.terms is distinct from excluded.terms;
    end if;
    return next;
end
$$;
revoke all on function reserve_version from public;
grant execute on function reserve_version to ai_agents_worker;
"""

# A ticket as it arrived, and the latest that arrived before it (_with_later: after it too) and were reported within the
# window, each with how like the two are: the cosine of their words, and how many words they share. The ticket itself is the
# row without `ticket_id`.
LIKE_ARRIVALS = """
create function like_arrivals(
    _tenant_id uuid, _ticket_id text, _window interval, _most integer, _least float8, _sources text[], _with_later boolean
) returns table (
    ticket_id text, number text, reported_at timestamptz, reporter bigint, likeness float8, words bigint, has_site boolean,
    has_machine boolean, has_source boolean, are_outages boolean, storm_ticket_id text, history bigint, arrived_at timestamptz,
    is_later boolean, terms bigint[], weights real[]
)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    return query
    with mine as materialized (
        select * from arrival where tenant_id = _tenant_id and ticket_id = _ticket_id
    ),
    earlier as materialized (
        select other.*
        from mine
        cross join lateral (
            select * from arrival
            where tenant_id = _tenant_id and arrived_at < case when _with_later then 'infinity' else mine.arrived_at end
                and arrived_at > mine.reported_at - _window
            order by arrived_at desc limit _most
        ) other
        where other.ticket_id <> mine.ticket_id
            and other.reported_at between mine.reported_at - _window and mine.reported_at + _window
    ),
    -- All at once: to compare them one by one took twice as long for a hundred.
    alike as (
        select ticket_id, sum(mine.weight * held.weight) as likeness, count(*) as words
        from (select ticket_id, unnest(terms) as term, unnest(weights) as weight from earlier) held
        join (select unnest(terms) as term, unnest(weights) as weight from mine) mine on mine.term = held.term
        group by ticket_id
    )
    select null, mine.number, mine.reported_at, mine.reporter, 0::float8, 0::bigint, false, false, false, false, null,
        coalesce((select documents from corpus where tenant_id = _tenant_id and kind = 'ticket'), 0)::bigint,
        mine.arrived_at, false, null::bigint[], null::real[]
    from mine
    union all
    select earlier.ticket_id, earlier.number, earlier.reported_at, earlier.reporter, coalesce(alike.likeness, 0)::float8,
        coalesce(alike.words, 0), coalesce(earlier.site = mine.site, false), earlier.machines && mine.machines,
        coalesce(earlier.first_source = any(_sources), false), earlier.is_outage and mine.is_outage,
        earlier.storm_ticket_id, 0, earlier.arrived_at, earlier.arrived_at > mine.arrived_at, earlier.terms, earlier.weights
    from mine
    cross join earlier
    left join alike on alike.ticket_id = earlier.ticket_id
    where alike.likeness >= _least or earlier.storm_ticket_id is not null or earlier.is_outage and mine.is_outage
    order by 13;
end
$$;
revoke all on function like_arrivals from public;
grant execute on function like_arrivals to ai_agents_worker;
"""

# Store what was written, if the attempt still holds its delivery; else no row returns. Tokens and cost add up over attempts.
#
# Later arrivals are compared with the source that fits the ticket best, and are told of the storm that it and _others are of.
# In the order of their ids, so that two attempts that store the same storm can't wait for one another.
#
# The first row has nulls alone. The others are those of like_arrivals, if _looks: the last of several that are written at the
# same moment is to see what all others have stored, so one of a tenant stores and looks at a time. A look that fails finds none,
# since what was written is paid for.
SAVE_ENHANCEMENT = """
create function save_enhancement(
    _tenant_id uuid, _job_id uuid, _attempt integer, _fence uuid, _ticket_id text, _version text, _content jsonb,
    _confidence text, _model text, _prompt_tokens bigint, _completion_tokens bigint, _cost_usd numeric, _is_shadowed boolean,
    _first_source text, _storm_ticket_id text, _others text[],
    _looks boolean, _window interval, _most integer, _least float8, _sources text[]
) returns table (
    ticket_id text, number text, reported_at timestamptz, reporter bigint, likeness float8, words bigint, has_site boolean,
    has_machine boolean, has_source boolean, are_outages boolean, storm_ticket_id text, history bigint, arrived_at timestamptz,
    is_later boolean, terms bigint[], weights real[]
)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    perform set_config('app.tenant_id', _tenant_id::text, true), set_config('synchronous_commit', 'off', true);
    if _looks then
        perform pg_advisory_xact_lock(hashtextextended(_tenant_id::text, 7203006));
    end if;
    with chosen as (
        select ticket_id from arrival
        where tenant_id = _tenant_id and ticket_id = any(_others || _ticket_id)
            and (ticket_id = _ticket_id or storm_ticket_id is null)
        order by ticket_id
        for update
    ),
    arrived as (
        update arrival
        set storm_ticket_id = coalesce(storm_ticket_id, _storm_ticket_id),
            first_source = case when arrival.ticket_id = _ticket_id then _first_source else first_source end
        from chosen
        where arrival.tenant_id = _tenant_id and arrival.ticket_id = chosen.ticket_id
            and (
                arrival.ticket_id = _ticket_id and first_source is distinct from _first_source
                or storm_ticket_id is null and _storm_ticket_id is not null
            )
    )
    update enhancement
    set content = _content, confidence = _confidence, model = _model,
        -- Called a second time, it has stored this.
        prompt_tokens = prompt_tokens + case when content is distinct from _content then _prompt_tokens else 0 end,
        completion_tokens = completion_tokens + case when content is distinct from _content then _completion_tokens else 0 end,
        cost_usd = case when content is distinct from _content then coalesce(cost_usd + _cost_usd, _cost_usd, cost_usd)
            else cost_usd end,
        written_at = now(), shadowed_at = case when _is_shadowed then now() end
    where tenant_id = _tenant_id and ticket_id = _ticket_id and version = _version and job_id = _job_id and exists (
        select from delivery d
        where d.tenant_id = _tenant_id and d.job_id = _job_id and d.attempt = _attempt and d.fence = _fence
            and d.status || '' = 'processing'
    );
    if not found then
        return;
    end if;
    return next;
    if _looks then
        begin
            return query select * from like_arrivals(_tenant_id, _ticket_id, _window, _most, _least, _sources, true);
        exception when others then
            null;
        end;
    end if;
end
$$;
revoke all on function save_enhancement from public;
grant execute on function save_enhancement to ai_agents_worker;
"""

# Store that from now on a note may be on the ticket: if the attempt still holds its delivery, and no other delivery has a
# newer version of the ticket. Else why not. Its commit waits for the disk, and with it what the attempt stored before.
BEGIN_POSTING = """
create function begin_posting(
    _tenant_id uuid, _job_id uuid, _attempt integer, _fence uuid, _ticket_id text, _version text, _html text
) returns text
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    perform set_config('app.tenant_id', _tenant_id::text, true);
    update enhancement mine set posting_at = now(), note_html = _html
    where tenant_id = _tenant_id and ticket_id = _ticket_id and version = _version and job_id = _job_id
        and exists (
            select from delivery d
            where d.tenant_id = _tenant_id and d.job_id = _job_id and d.attempt = _attempt and d.fence = _fence
                and d.status || '' = 'processing'
        )
        and not exists (
            select from enhancement other
            where other.tenant_id = mine.tenant_id and other.ticket_id = mine.ticket_id
                and other.job_id <> mine.job_id and other.ticket_updated_at > mine.ticket_updated_at
        );
    if found then
        return 'begun';
    end if;
    return case when exists (
        select from enhancement mine
        join enhancement other using (tenant_id, ticket_id)
        where mine.tenant_id = _tenant_id and mine.ticket_id = _ticket_id and mine.version = _version
            and other.job_id <> mine.job_id and other.ticket_updated_at > mine.ticket_updated_at
    ) then 'outdated' else 'lost' end;
end
$$;
revoke all on function begin_posting from public;
grant execute on function begin_posting to ai_agents_worker;
"""

# Store the note's id and how the attempt went, and settle the delivery, if the attempt still holds it. False: it does not, and
# nothing changes: another attempt may have posted too. Called a second time it is true again: the attempt settled it.
SETTLE_POSTED = """
create function settle_posted(
    _tenant_id uuid, _job_id uuid, _attempt integer, _fence uuid, _ticket_id text, _version text, _note_id text,
    _began_at timestamptz, _outcome text, _code text, _error text, _steps jsonb
) returns boolean
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    perform set_config('app.tenant_id', _tenant_id::text, true), set_config('synchronous_commit', 'off', true);
    with settled as (
        update delivery
        set status = 'done', code = null, lease_until = null, settled_at = now(), updated_at = now()
        where tenant_id = _tenant_id and job_id = _job_id and attempt = _attempt and fence = _fence
            and status || '' = 'processing'
        returning tenant_id, job_id, accepted_at
    ),
    dropped as (
        delete from due using settled where due.tenant_id = settled.tenant_id and due.job_id = settled.job_id
    ),
    recorded as (
        insert into attempt (tenant_id, job_id, attempt, began_at, outcome, code, error, steps)
        select tenant_id, job_id, _attempt, _began_at, _outcome, _code, _error, _steps from settled
        on conflict do nothing
    )
    update enhancement
    set note_id = _note_id, posted_at = now(), duration_ms = round(1000 * extract(epoch from now() - settled.accepted_at))
    from settled
    where enhancement.tenant_id = _tenant_id and ticket_id = _ticket_id and version = _version;
    return found or exists (
        select from delivery
        where tenant_id = _tenant_id and job_id = _job_id and attempt = _attempt and fence = _fence and status || '' = 'done'
    );
end
$$;
revoke all on function settle_posted from public;
grant execute on function settle_posted to ai_agents_worker;
"""


def upgrade() -> None:
    for function in (RESERVE_VERSION, LIKE_ARRIVALS, SAVE_ENHANCEMENT, BEGIN_POSTING, SETTLE_POSTED):
        execute_script(function)
