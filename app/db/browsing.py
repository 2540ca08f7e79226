"""Pages of deliveries, newest first, and all that is stored of one. One tenant at a time, also where several are shown.

Invariant: a page costs one walk down an index per tenant, however many deliveries there are: it begins at a key, not at
a number of rows, and a search in reasons looks at `MOST_SEARCHED` deliveries of all tenants together, no more.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text

from app.core.delivery import Status
from app.core.enhancement import Enhancement
from app.db.deliveries import Choice
from app.db.session import Database, choose_tenant

MOST_SEARCHED: Final = 20_000
MOST_COUNTED: Final = 10_000

_COLUMNS: Final = """
job_id, ticket_id, event, status, attempt, attempt - attempts_forgiven as attempts_used, accepted_at, settled_at,
last_error, ignored_because
"""
_REASON: Final = (
    "strpos(lower(case status when 'ignored' then ignored_because else last_error end), lower(:reason)) > 0"
)
_FIND: Final = text("""
select job_id, ticket_id, event, status, attempt, attempt - attempts_forgiven as attempts_used, accepted_at, updated_at,
    settled_at, lease_until, last_error, ignored_because, trace_context, body
from delivery where tenant_id = :tenant_id and job_id = :job_id
""")
_ENHANCEMENT: Final = text("""
select version, content, model, confidence, prompt_tokens, completion_tokens, cost_usd, duration_ms, reserved_at,
    written_at, posting_at, note_id, posted_at
from enhancement where tenant_id = :tenant_id and job_id = :job_id order by reserved_at desc limit 1
""")
_DUE: Final = text("select due_at, is_leased from due where tenant_id = :tenant_id and job_id = :job_id")
_FEEDBACK: Final = text(
    "select is_helpful, comment, voted_at from feedback where tenant_id = :tenant_id and job_id = :job_id"
)
_OTHERS: Final = text("""
select job_id, status, accepted_at from delivery
where tenant_id = :tenant_id and ticket_id = :ticket_id and job_id <> :job_id order by accepted_at desc limit 10
""")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after this delivery, in the direction of older ones."""

    accepted_at: datetime
    job_id: UUID


@dataclass(frozen=True, slots=True)
class Listed:
    """One delivery in a list."""

    tenant_id: UUID
    job_id: UUID
    ticket_id: str
    event: str
    status: str
    attempt: int
    attempts_used: int
    accepted_at: datetime
    settled_at: datetime | None
    last_error: str | None
    ignored_because: str | None

    @property
    def place(self) -> Place:
        return Place(self.accepted_at, self.job_id)

    @property
    def reason(self) -> str | None:
        """Why it is where it is; a delivery that was done in the end has none."""
        return self.ignored_because if self.status == Status.IGNORED else self.last_error


@dataclass(frozen=True, slots=True)
class Written:
    """What was written for a delivery, and its way to the ticket."""

    version: str
    enhancement: Enhancement | None
    model: str | None
    confidence: str | None
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    duration_ms: int | None
    reserved_at: datetime
    written_at: datetime | None
    posting_at: datetime | None
    note_id: str | None
    posted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Vote:
    """What a technician thinks of the note."""

    is_helpful: bool
    comment: str
    voted_at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """All that is stored of one delivery but its body and its attempts."""

    delivery: Any
    written: Written | None
    due_at: datetime | None
    """When a worker may take it up; None: it is settled, or one has it."""
    vote: Vote | None
    others: Sequence[Any]
    """Other deliveries of the ticket, newest first."""


def _conditions(choice: Choice, after: Place | None) -> str:
    """Only what is asked for: `is null or` would hide the index from the planner."""
    parts = ["tenant_id = :tenant_id"]
    if choice.status is not None:
        parts.append("status = :status")
    if choice.ticket_id is not None:
        parts.append("ticket_id = :ticket_id")
    if choice.since is not None:
        parts.append("accepted_at >= :since")
    if choice.until is not None:
        parts.append("accepted_at < :until")
    if after is not None:
        parts.append("(accepted_at, job_id) < (:after_time, :after_id)")
    return " and ".join(parts)


def _list(choice: Choice, after: Place | None, *, searched: int) -> TextClause:
    inner = f"select {_COLUMNS} from delivery where {_conditions(choice, after)} order by accepted_at desc, job_id desc"
    if choice.reason is None:
        return text(f"{inner} limit :limit")
    return text(
        f"select * from ({inner} limit {searched}) newest where {_REASON}"
        " order by accepted_at desc, job_id desc limit :limit"
    )


def _values(tenant_id: UUID, choice: Choice, after: Place | None) -> dict[str, Any]:
    values = {name: value for name, value in choice.values(tenant_id).items() if value is not None}
    if after is not None:
        values |= {"after_time": after.accepted_at, "after_id": after.job_id}
    return values


async def list_page(
    database: Database, tenant_ids: Sequence[UUID], choice: Choice, *, after: Place | None, limit: int
) -> list[Listed]:
    """The newest *limit* of the chosen deliveries of these tenants that are older than *after*."""
    statement = _list(choice, after, searched=MOST_SEARCHED // max(len(tenant_ids), 1))
    found: list[list[Listed]] = []
    async with database.across_tenants() as session:
        for tenant_id in tenant_ids:
            await choose_tenant(session, tenant_id)
            rows = await session.execute(statement, {**_values(tenant_id, choice, after), "limit": limit})
            found.append([Listed(tenant_id=tenant_id, **row) for row in rows.mappings()])
    merged = heapq.merge(*found, key=lambda each: (each.accepted_at, each.job_id), reverse=True)
    return [each for each, _ in zip(merged, range(limit), strict=False)]


async def count_failed(database: Database, tenant_id: UUID, choice: Choice) -> int:
    """How many failed deliveries are chosen, up to `MOST_COUNTED` + 1."""
    chosen = Choice(Status.FAILED, choice.ticket_id, choice.since, choice.until, choice.reason)
    where = _conditions(chosen, None) + (f" and {_REASON}" if choice.reason is not None else "")
    statement = text(f"select count(*) from (select from delivery where {where} limit {MOST_COUNTED + 1}) counted")
    async with database.as_tenant(tenant_id) as session:
        return int((await session.execute(statement, _values(tenant_id, chosen, None))).scalar_one())


async def find_story(database: Database, tenant_id: UUID, job_id: UUID) -> Story | None:
    """One delivery of the tenant with what became of it, or None."""
    key = {"tenant_id": tenant_id, "job_id": job_id}
    async with database.as_tenant(tenant_id) as session:
        delivery = (await session.execute(_FIND, key)).one_or_none()
        if delivery is None:
            return None
        written = (await session.execute(_ENHANCEMENT, key)).mappings().one_or_none()
        due = (await session.execute(_DUE, key)).one_or_none()
        vote = (await session.execute(_FEEDBACK, key)).mappings().one_or_none()
        others = (await session.execute(_OTHERS, {**key, "ticket_id": delivery.ticket_id})).all()
    return Story(
        delivery=delivery,
        written=None if written is None else _written(dict(written)),
        due_at=None if due is None or due.is_leased else due.due_at,
        vote=None if vote is None else Vote(**vote),
        others=others,
    )


def _written(row: dict[str, Any]) -> Written:
    content = row.pop("content")
    return Written(enhancement=None if content is None else Enhancement.model_validate(content), **row)
