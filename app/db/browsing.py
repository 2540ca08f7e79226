"""Pages of deliveries, newest first, and all that is stored of one. One tenant at a time, also where several are shown.

Invariant: a page costs one walk down an index per tenant, however many deliveries there are: it begins at a key, not at
a number of rows, and a search by code looks at `MOST_SEARCHED` deliveries of all tenants together, no more.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text

from app.core.enhancement import Enhancement
from app.db.choices import Choice
from app.db.deliveries import VIEW, DeliveryView
from app.db.session import Database, choose_tenant

MOST_SEARCHED: Final = 20_000

_FIND: Final = text(f"select {VIEW}, body from delivery where tenant_id = :tenant_id and job_id = :job_id")
_ENHANCEMENT: Final = text("""
select version, content, model, confidence, prompt_tokens, completion_tokens, cost_usd, duration_ms, reserved_at,
    written_at, posting_at, note_html, note_id, posted_at
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
    """One delivery among those of several tenants."""

    tenant_id: UUID
    delivery: DeliveryView

    @property
    def place(self) -> Place:
        return Place(self.delivery.accepted_at, self.delivery.job_id)


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
    note_html: str | None
    """As it was sent; None: it was not, or by a release that did not keep it."""
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
    """All that is stored of one delivery but its attempts."""

    delivery: DeliveryView
    body: bytes
    """The webhook's."""
    written: Written | None
    due_at: datetime | None
    """When a worker may take it up; None: it is settled, or one has it."""
    vote: Vote | None
    others: Sequence[Any]
    """Other deliveries of the ticket, newest first."""


def _list(choice: Choice, after: Place | None, *, searched: int) -> TextClause:
    begin = "true" if after is None else "(accepted_at, job_id) < (:after_time, :after_id)"
    newest = (
        f"select {VIEW} from delivery where {choice.indexed} and {begin} order by accepted_at desc, job_id desc"
        " limit {limit}"
    )
    if choice.code is None:
        return text(newest.format(limit=":limit"))
    return text(
        f"select * from ({newest.format(limit=searched)}) newest where {choice.by_code}"
        " order by accepted_at desc, job_id desc limit :limit"
    )


async def list_page(
    database: Database, tenant_ids: Sequence[UUID], choice: Choice, *, after: Place | None, limit: int
) -> list[Listed]:
    """The newest *limit* of the chosen deliveries of these tenants that are older than *after*."""
    statement = _list(choice, after, searched=MOST_SEARCHED // max(len(tenant_ids), 1))
    begin = {} if after is None else {"after_time": after.accepted_at, "after_id": after.job_id}
    found: list[list[Listed]] = []
    async with database.across_tenants() as session:
        for tenant_id in tenant_ids:
            await choose_tenant(session, tenant_id)
            rows = await session.execute(statement, {**choice.values(tenant_id), **begin, "limit": limit})
            found.append([Listed(tenant_id, DeliveryView(**row)) for row in rows.mappings()])
    merged = heapq.merge(*found, key=lambda each: (each.place.accepted_at, each.place.job_id), reverse=True)
    return [each for each, _ in zip(merged, range(limit), strict=False)]


async def find_story(database: Database, tenant_id: UUID, job_id: UUID) -> Story | None:
    """One delivery of the tenant with what became of it, or None."""
    key = {"tenant_id": tenant_id, "job_id": job_id}
    async with database.as_tenant(tenant_id) as session:
        row = (await session.execute(_FIND, key)).mappings().one_or_none()
        if row is None:
            return None
        values = dict(row)
        body = values.pop("body")
        delivery = DeliveryView(**values)
        written = (await session.execute(_ENHANCEMENT, key)).mappings().one_or_none()
        due = (await session.execute(_DUE, key)).one_or_none()
        vote = (await session.execute(_FEEDBACK, key)).mappings().one_or_none()
        others = (await session.execute(_OTHERS, {**key, "ticket_id": delivery.ticket_id})).all()
    return Story(
        delivery=delivery,
        body=body,
        written=None if written is None else _written(dict(written)),
        due_at=None if due is None or due.is_leased else due.due_at,
        vote=None if vote is None else Vote(**vote),
        others=others,
    )


def _written(row: dict[str, Any]) -> Written:
    content = row.pop("content")
    return Written(enhancement=None if content is None else Enhancement.model_validate(content), **row)
