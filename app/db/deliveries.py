"""Deliveries as an operator sees them: list, show, replay, dismiss. One tenant at a time, but for counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.core.delivery import Status
from app.db.audit import Witness
from app.db.session import Database

_COLUMNS: Final = """
job_id, ticket_id, event, status, attempt, attempt - attempts_forgiven as attempts_used, accepted_at, updated_at,
settled_at, lease_until, last_error, ignored_because, trace_context
"""
_CHOSEN: Final = """
delivery.tenant_id = :tenant_id and (cast(:status as text) is null or status = :status)
    and (cast(:ticket_id as text) is null or ticket_id = :ticket_id)
    and (cast(:since as timestamptz) is null or accepted_at >= :since)
    and (cast(:until as timestamptz) is null or accepted_at < :until)
    and (cast(:reason as text) is null or strpos(lower(coalesce(last_error, ignored_because)), lower(:reason)) > 0)
"""
_LIST: Final = text(f"select {_COLUMNS} from delivery where {_CHOSEN} order by accepted_at desc limit :limit")
_COUNT: Final = text(f"select count(*) from delivery where {_CHOSEN}")
_SHOW: Final = text(f"select {_COLUMNS}, body from delivery where tenant_id = :tenant_id and job_id = :job_id")
_ENHANCEMENT: Final = text("""
select version, model, confidence, prompt_tokens, completion_tokens, cost_usd, duration_ms, written_at, note_id,
    posted_at, content -> 'notices' as notices, (
        select string_agg((kind ->> 'kind') || ' ' || (source ->> 'id'), ', ')
        from jsonb_array_elements(content -> 'gathered') kind, jsonb_array_elements(kind -> 'sources') source
    ) as sources
from enhancement where tenant_id = :tenant_id and job_id = :job_id order by reserved_at desc limit 1
""")
_OLDEST_CHOSEN: Final = f"""
with chosen as (
    select tenant_id, job_id from delivery where {_CHOSEN} and (cast(:job_ids as uuid[]) is null or job_id = any(:job_ids))
    order by accepted_at limit :limit for update
),
"""
_REPLAY: Final = text(
    _OLDEST_CHOSEN
    + """
replayed as (
    update delivery set status = 'pending', attempts_forgiven = attempt, settled_at = null, updated_at = now()
    from chosen where delivery.tenant_id = chosen.tenant_id and delivery.job_id = chosen.job_id
    returning delivery.tenant_id, delivery.job_id, accepted_at
),
risen as (
    delete from dead using chosen where dead.tenant_id = chosen.tenant_id and dead.job_id = chosen.job_id
)
insert into due (tenant_id, job_id, accepted_at) select tenant_id, job_id, accepted_at from replayed
on conflict (tenant_id, job_id) do update set due_at = now(), is_leased = false
returning job_id
"""
)
_DISMISS: Final = text(
    _OLDEST_CHOSEN
    + """
buried as (
    delete from dead using chosen where dead.tenant_id = chosen.tenant_id and dead.job_id = chosen.job_id
)
update delivery set status = 'ignored', ignored_because = :because, updated_at = now()
from chosen where delivery.tenant_id = chosen.tenant_id and delivery.job_id = chosen.job_id
returning delivery.job_id
"""
)


_DEAD: Final = text("select tenant_id, count(*) as number from dead group by tenant_id")
_LOAD: Final = text("""
select tenant_id, count(*) filter (where not is_leased or due_at <= now()) as waiting,
    count(*) filter (where is_leased and due_at > now()) as working, min(accepted_at) as oldest
from due group by tenant_id
""")


@dataclass(frozen=True, slots=True)
class TenantLoad:
    """A tenant's deliveries that are not settled."""

    waiting: int
    working: int
    oldest: datetime
    """When the oldest of them was accepted."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which deliveries of a tenant; what is None chooses all."""

    status: Status | None = None
    ticket_id: str | None = None
    since: datetime | None = None
    """Accepted at or after this."""
    until: datetime | None = None
    """Accepted before this."""
    reason: str | None = None
    """Part of the error, or of why it was ignored; upper and lower case are the same."""

    def values(self, tenant_id: UUID) -> dict[str, Any]:
        return {
            "tenant_id": tenant_id,
            "status": self.status,
            "ticket_id": self.ticket_id,
            "since": self.since,
            "until": self.until,
            "reason": self.reason,
        }


EVERY: Final = Choice()


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
    last_error: str | None
    ignored_because: str | None
    trace_context: str | None


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
        rows = (await session.execute(_LIST, {**choice.values(tenant_id), "limit": limit})).mappings()
        return [DeliveryView(**row) for row in rows]


async def count_deliveries(database: Database, tenant_id: UUID, choice: Choice) -> int:
    """How many deliveries are chosen."""
    async with database.as_tenant(tenant_id) as session:
        return int((await session.execute(_COUNT, choice.values(tenant_id))).scalar_one())


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


async def load_by_tenant(database: Database) -> dict[UUID, TenantLoad]:
    """What is not settled, of each tenant that has any."""
    async with database.across_tenants() as session:
        rows = (await session.execute(_LOAD)).all()
    return {row.tenant_id: TenantLoad(row.waiting, row.working, row.oldest) for row in rows}


async def count_dead(database: Database) -> dict[UUID, int]:
    """Failed deliveries that no operator has replayed or dismissed, of each tenant that has any."""
    async with database.across_tenants() as session:
        return {row.tenant_id: row.number for row in (await session.execute(_DEAD)).all()}


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
    """Settle failed deliveries as ignored, for a stated reason; those that were. Arguments as for a replay."""
    return await _change_failed(
        database, _DISMISS, tenant_id, choice, job_ids=job_ids, witness=witness, limit=limit, because=because
    )


async def _change_failed(
    database: Database,
    statement: Any,
    tenant_id: UUID,
    choice: Choice,
    *,
    job_ids: Sequence[UUID] | None,
    witness: Witness | None,
    **values: Any,
) -> list[UUID]:
    chosen = replace(choice, status=Status.FAILED).values(tenant_id)
    async with database.as_tenant(tenant_id) as session:
        changed = await session.execute(
            statement, {**chosen, "job_ids": None if job_ids is None else list(job_ids), **values}
        )
        ids = list(changed.scalars())
        if witness is not None:
            await witness(session, tenant_id, len(ids))
        return ids
