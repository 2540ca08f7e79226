"""Deliveries as an operator sees them: list, show, replay, dismiss. One tenant at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.core.delivery import Status
from app.db.audit import Witness
from app.db.choices import EVERY, Choice
from app.db.session import Database
from app.errors import Code

VIEW: Final = """
job_id, ticket_id, event, status, attempt, attempt - attempts_forgiven as attempts_used, accepted_at, updated_at,
settled_at, lease_until, code, last_error, ignored_because, trace_context
"""
_SHOW: Final = text(f"select {VIEW}, body from delivery where tenant_id = :tenant_id and job_id = :job_id")
_ENHANCEMENT: Final = text("""
select version, model, confidence, prompt_tokens, completion_tokens, cost_usd, duration_ms, written_at, note_id,
    posted_at, content -> 'notices' as notices, (
        select string_agg((kind ->> 'kind') || ' ' || (source ->> 'id'), ', ')
        from jsonb_array_elements(content -> 'gathered') kind, jsonb_array_elements(kind -> 'sources') source
    ) as sources
from enhancement where tenant_id = :tenant_id and job_id = :job_id order by reserved_at desc limit 1
""")
_OLDEST_CHOSEN: Final = """
with chosen as (
    select tenant_id, job_id from delivery where {condition} order by accepted_at limit :limit for update
),
"""
_REPLAY: Final = (
    _OLDEST_CHOSEN
    + """
replayed as (
    update delivery set status = 'pending', attempts_forgiven = attempt, settled_at = null, updated_at = now()
    from chosen where delivery.tenant_id = chosen.tenant_id and delivery.job_id = chosen.job_id
    returning delivery.tenant_id, delivery.job_id, accepted_at
),
forgotten as (
    delete from dead using chosen where dead.tenant_id = chosen.tenant_id and dead.job_id = chosen.job_id
)
insert into due (tenant_id, job_id, accepted_at) select tenant_id, job_id, accepted_at from replayed
on conflict (tenant_id, job_id) do update set due_at = now(), is_leased = false
returning job_id
"""
)
_DISMISS: Final = (
    _OLDEST_CHOSEN
    + """
forgotten as (
    delete from dead using chosen where dead.tenant_id = chosen.tenant_id and dead.job_id = chosen.job_id
)
update delivery set status = 'ignored', code = :code, ignored_because = :because, updated_at = now()
from chosen where delivery.tenant_id = chosen.tenant_id and delivery.job_id = chosen.job_id
returning delivery.job_id
"""
)


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A delivery without its body."""

    job_id: UUID
    ticket_id: str
    event: str
    status: str
    attempt: int
    attempts_used: int
    accepted_at: datetime
    updated_at: datetime
    settled_at: datetime | None
    lease_until: datetime | None
    code: str | None
    """Why it is where it is, as `app.errors.Code`; None: by an earlier release, or there is nothing to tell."""
    last_error: str | None
    ignored_because: str | None
    trace_context: str | None

    @property
    def reason(self) -> str | None:
        """Why it is where it is; a delivery that was done in the end has none."""
        if self.status == Status.IGNORED:
            return self.ignored_because
        return None if self.status == Status.DONE else self.last_error

    @property
    def is_dismissed(self) -> bool:
        """Whether an operator settled it without a note, after it had failed."""
        return self.code == Code.DISMISSED


@dataclass(frozen=True, slots=True)
class DeliveryDetails:
    """A delivery with what became of it."""

    delivery: DeliveryView
    body_bytes: int
    enhancement: dict[str, Any] | None


async def list_deliveries(
    database: Database, tenant_id: UUID, choice: Choice = EVERY, *, limit: int = 50
) -> list[DeliveryView]:
    """The chosen deliveries, the newest first."""
    async with database.as_tenant(tenant_id) as session:
        statement = text(
            f"select {VIEW} from delivery where {choice.condition} order by accepted_at desc, job_id desc limit :limit"
        )
        rows = (await session.execute(statement, {**choice.values(tenant_id), "limit": limit})).mappings()
        return [DeliveryView(**row) for row in rows]


async def count_deliveries(database: Database, tenant_id: UUID, choice: Choice, *, at_most: int | None = None) -> int:
    """How many deliveries are chosen; with *at_most*, counted no further than that."""
    statement = text(
        f"select count(*) from (select from delivery where {choice.condition} limit cast(:at_most as bigint)) counted"
    )
    async with database.as_tenant(tenant_id) as session:
        return int((await session.execute(statement, {**choice.values(tenant_id), "at_most": at_most})).scalar_one())


async def find_delivery(database: Database, tenant_id: UUID, job_id: UUID) -> DeliveryDetails | None:
    """One delivery of the tenant, or None."""
    async with database.as_tenant(tenant_id) as session:
        key = {"tenant_id": tenant_id, "job_id": job_id}
        row = (await session.execute(_SHOW, key)).mappings().one_or_none()
        if row is None:
            return None
        enhancement = (await session.execute(_ENHANCEMENT, key)).mappings().one_or_none()
    values = dict(row)
    body = values.pop("body")
    return DeliveryDetails(DeliveryView(**values), len(body), dict(enhancement) if enhancement else None)


async def replay_deliveries(
    database: Database,
    tenant_id: UUID,
    choice: Choice = EVERY,
    *,
    job_ids: Sequence[UUID] | None = None,
    limit: int,
    witness: Witness | None = None,
) -> list[UUID]:
    """Give failed deliveries their attempts back and make them due now; those that were.

    Args:
        database: As the worker's role.
        tenant_id: Whose.
        choice: Of the tenant's failed deliveries; its status is not looked at.
        job_ids: Of the chosen, these alone; None: all.
        limit: At most so many, the oldest first.
        witness: Writes the act down.
    """
    return await _change_failed(database, _REPLAY, tenant_id, choice, job_ids=job_ids, witness=witness, limit=limit)


async def dismiss_deliveries(
    database: Database,
    tenant_id: UUID,
    choice: Choice = EVERY,
    *,
    job_ids: Sequence[UUID] | None = None,
    because: str,
    limit: int,
    witness: Witness | None = None,
) -> list[UUID]:
    """Settle failed deliveries as ignored, *because* an operator says so; those that were. Else as for a replay."""
    return await _change_failed(
        database,
        _DISMISS,
        tenant_id,
        choice,
        job_ids=job_ids,
        witness=witness,
        limit=limit,
        because=because,
        code=Code.DISMISSED,
    )


async def _change_failed(
    database: Database,
    statement: str,
    tenant_id: UUID,
    choice: Choice,
    *,
    job_ids: Sequence[UUID] | None,
    witness: Witness | None,
    **values: Any,
) -> list[UUID]:
    failed = replace(choice, status=Status.FAILED)
    condition = failed.condition
    if job_ids is not None:
        condition += " and job_id = any(cast(:job_ids as uuid[]))"
        values["job_ids"] = list(job_ids)
    async with database.as_tenant(tenant_id) as session:
        changed = await session.execute(
            text(statement.format(condition=condition)), {**failed.values(tenant_id), **values}
        )
        ids = list(changed.scalars())
        if witness is not None:
            await witness(session, tenant_id, len(ids))
        return ids
