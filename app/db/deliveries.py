"""Deliveries as an operator sees them: list, show, replay. One tenant at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.core.delivery import Status
from app.db.session import Database

_COLUMNS: Final = """
job_id, ticket_id, event, status, attempt, attempt - attempts_forgiven as attempts_used, accepted_at, updated_at,
settled_at, lease_until, last_error, ignored_because, trace_context
"""
_LIST: Final = text(f"""
select {_COLUMNS} from delivery
where tenant_id = :tenant_id and (cast(:status as text) is null or status = :status)
    and (cast(:ticket_id as text) is null or ticket_id = :ticket_id)
order by accepted_at desc limit :limit
""")
_SHOW: Final = text(f"select {_COLUMNS}, body from delivery where tenant_id = :tenant_id and job_id = :job_id")
_ENHANCEMENT: Final = text("""
select version, model, confidence, prompt_tokens, completion_tokens, cost_usd, duration_ms, written_at, note_id,
    posted_at, content -> 'notices' as notices
from enhancement where tenant_id = :tenant_id and job_id = :job_id order by reserved_at desc limit 1
""")
_REPLAY: Final = text("""
with replayed as (
    update delivery set status = 'pending', attempts_forgiven = attempt, settled_at = null, updated_at = now()
    where tenant_id = :tenant_id and job_id = :job_id and status = 'failed' returning tenant_id, job_id, accepted_at
)
insert into due (tenant_id, job_id, accepted_at) select tenant_id, job_id, accepted_at from replayed
on conflict (tenant_id, job_id) do update set due_at = now(), is_leased = false
returning job_id
""")


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
    database: Database, tenant_id: UUID, *, status: Status | None = None, ticket_id: str | None = None, limit: int = 50
) -> list[DeliveryView]:
    """The tenant's deliveries, the newest first."""
    async with database.as_tenant(tenant_id) as session:
        rows = (
            await session.execute(
                _LIST, {"tenant_id": tenant_id, "status": status, "ticket_id": ticket_id, "limit": limit}
            )
        ).mappings()
        return [DeliveryView(**row) for row in rows]


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


async def replay_delivery(database: Database, tenant_id: UUID, job_id: UUID) -> bool:
    """Give a failed delivery its attempts back and make it due now. False when it is not a failed one."""
    async with database.as_tenant(tenant_id) as session:
        replayed = await session.execute(_REPLAY, {"tenant_id": tenant_id, "job_id": job_id})
        return replayed.scalar() is not None
