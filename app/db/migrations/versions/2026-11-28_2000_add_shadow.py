"""Add `enhancement.shadowed_at`: the note was written in shadow mode and is never posted.

Expands only: the release before leaves the column null, and refuses a tenant's file that turns shadow mode on. The
trigger counts such a note when it is written, as it counts others when they are posted. The check of an attempt's
outcome allows one more value.

Revision ID: 2026_11_28_2000
Revises: 2026_11_28_1930
"""

from __future__ import annotations

from app.db.migrations import execute_script

revision = "2026_11_28_2000"
down_revision = "2026_11_28_1930"

COUNTING = """
create or replace function count_enhancement() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
    is_noted boolean := {is_noted};
begin
    insert into public.tally as mine
        (tenant_id, hour, model, notes, context_only, low_confidence, prompt_tokens, completion_tokens, cost_usd)
    values (new.tenant_id, date_trunc('hour', now()), coalesce(new.model, ''), is_noted::int,
        (is_noted and new.model is null)::int,
        (is_noted and new.model is not null and new.confidence = 'low')::int,
        new.prompt_tokens - old.prompt_tokens, new.completion_tokens - old.completion_tokens,
        coalesce(new.cost_usd, 0) - coalesce(old.cost_usd, 0))
    on conflict (tenant_id, hour, model) do update
        set notes = mine.notes + excluded.notes, context_only = mine.context_only + excluded.context_only,
            low_confidence = mine.low_confidence + excluded.low_confidence,
            prompt_tokens = mine.prompt_tokens + excluded.prompt_tokens,
            completion_tokens = mine.completion_tokens + excluded.completion_tokens,
            cost_usd = mine.cost_usd + excluded.cost_usd;
    return null;
end
$$;
create or replace trigger count_enhancement after update on enhancement for each row
    when (old.note_id is null and new.note_id is not null{or_shadowed} or old.prompt_tokens <> new.prompt_tokens
        or old.completion_tokens <> new.completion_tokens or old.cost_usd is distinct from new.cost_usd)
    execute function count_enhancement();
"""
_POSTED = "old.note_id is null and new.note_id is not null"
_SHADOWED = "old.shadowed_at is null and new.shadowed_at is not null"

# What is dropped comes back in the same transaction, and allows all that the release before writes.
OUTCOMES = """
-- squawk-ignore ban-drop-constraint
alter table attempt drop constraint attempt_outcome_check;
alter table attempt add constraint attempt_outcome_check check (outcome in ('enhanced', 'context_only', 'degraded',
    {more}'ignored', 'failed', 'retried', 'throttled', 'held', 'left_to_lease', 'lease_lost')) not valid;
"""


def upgrade() -> None:
    execute_script("alter table enhancement add column shadowed_at timestamptz")
    execute_script(COUNTING.format(is_noted=f"{_POSTED} or {_SHADOWED}", or_shadowed=f"\n        or {_SHADOWED}"))
    execute_script(OUTCOMES.format(more="'shadowed', "))
