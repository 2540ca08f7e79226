-- Make a delivery the one that works on a version of a ticket. It takes the version over from another delivery only when
-- that one ended without a note, and never one that was written in shadow mode. A conflict waits for the other's transaction: of twenty deliveries about one
-- version at once, one gets the row. For the other nineteen this returns no row, and they read which delivery has it.
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
