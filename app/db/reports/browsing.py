"""Pages of deliveries, newest first, and everything that is stored of one delivery.

Invariant: a page costs one step down an index per tenant, and a page's rows of as many tenants as it has rows, however many
deliveries there are: it begins after a key and not after a number of rows. A search by code looks at `MOST_SEARCHED`
deliveries of all tenants together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Select, select
from sqlmodel import col

from app.core.enhancement import Enhancement
from app.db.each import ask_each, load_newest
from app.db.reports.choices import Choice, condition
from app.db.reports.deliveries import VIEW, DeliveryView
from app.db.session import Database, Row
from app.db.sql import Statement
from app.db.tables import Delivery, Due, EnhancementRow, Feedback

MOST_SEARCHED: Final = 20_000
_MOST_OTHERS: Final = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: it shows deliveries that are older than this one."""

    accepted_at: datetime
    job_id: UUID


@dataclass(frozen=True, slots=True)
class Listed:
    """One delivery in a list over several tenants."""

    tenant_id: UUID
    delivery: DeliveryView

    @property
    def place(self) -> Place:
        return Place(self.delivery.accepted_at, self.delivery.job_id)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written for a delivery, and whether it was posted."""

    ticket_id: str
    """As the help desk has it."""
    version: str
    enhancement: Enhancement | None
    """None: nothing yet, or what this release can't read."""
    model: str | None
    confidence: str | None
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    duration_ms: int | None
    reserved_at: datetime
    written_at: datetime | None
    shadowed_at: datetime | None
    """When it was written in shadow mode: then it is never posted."""
    note_html: str | None
    """The note as it was sent. None: it was not sent, or by an older release that did not keep it."""
    note_id: str | None
    posted_at: datetime | None


_WRITTEN: Final = [
    col(getattr(EnhancementRow, "content" if each.name == "enhancement" else each.name)) for each in fields(Written)
]


@dataclass(frozen=True, slots=True)
class Vote:
    is_helpful: bool
    comment: str
    voted_at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is stored of one delivery, except its attempts."""

    delivery: DeliveryView
    body: bytes
    """The body of the webhook."""
    written: Written | None
    due_at: datetime | None
    """When a worker may claim it. None: it is settled or claimed."""
    vote: Vote | None
    others: Sequence[Any]
    """Other deliveries about the same ticket, newest first."""

    @property
    def ticket_id(self) -> str:
        """The ticket's id at the help desk, once it is known: a webhook may name a ticket by its display id."""
        return self.delivery.ticket_id if self.written is None else self.written.ticket_id


async def list_page(
    database: Database, tenant_ids: Sequence[UUID], choice: Choice, *, after: Place | None, limit: int
) -> list[Listed]:
    """The newest *limit* of the chosen deliveries of these tenants that are older than *after*."""
    values = choice.values
    if after is not None:
        values |= {"after": after.accepted_at, "after_id": after.job_id}
    found = await ask_each(
        database,
        tenant_ids,
        _page(frozenset(values)),
        _listed,
        **values,
        searched=max(MOST_SEARCHED // max(len(tenant_ids), 1), 1),
        limit=limit,
    )
    return sorted(found, key=lambda each: (each.place.accepted_at, each.place.job_id), reverse=True)[:limit]


@cache
def _page(names: frozenset[str]) -> Statement:
    after = " and (accepted_at, job_id) < (:after, :after_id)" if "after" in names else ""
    return load_newest(
        __package__,
        "page",
        by=["accepted_at", "job_id"],
        chosen=condition(names - {"code"}) + after,
        with_code="where code = :code" if "code" in names else "",
        searched=":searched" if "code" in names else ":limit",
    )


def _listed(row: Row) -> Listed:
    values = dict(row)
    return Listed(values.pop("tenant_id"), DeliveryView(**values))


async def find_story(database: Database, tenant_id: UUID, job_id: UUID) -> Story | None:
    """One delivery of the tenant with its story, or None."""
    async with database.as_tenant(tenant_id) as session:
        own = select(*VIEW, col(Delivery.body)).where(*_key(Delivery, tenant_id, job_id))
        row = (await session.execute(own)).mappings().one_or_none()
        if row is None:
            return None
        values = dict(row)
        body = values.pop("body")
        delivery = DeliveryView(**values)
        latest = select(*_WRITTEN).where(*_key(EnhancementRow, tenant_id, job_id))
        latest = latest.order_by(col(EnhancementRow.reserved_at).desc()).limit(1)
        written = (await session.execute(latest)).mappings().one_or_none()
        due = (await session.execute(select(Due).where(*_key(Due, tenant_id, job_id)))).scalar_one_or_none()
        voted = select(Feedback).where(*_key(Feedback, tenant_id, job_id))
        vote = (await session.execute(voted)).scalar_one_or_none()
        others = (await session.execute(_others(tenant_id, delivery))).all()
    return Story(
        delivery=delivery,
        body=body,
        written=None if written is None else _written(dict(written)),
        due_at=None if due is None or due.is_leased else due.due_at,
        vote=None if vote is None else Vote(vote.is_helpful, vote.comment, vote.voted_at),
        others=others,
    )


def _key(table: Any, tenant_id: UUID, job_id: UUID) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(table.tenant_id) == tenant_id, col(table.job_id) == job_id


def _others(tenant_id: UUID, delivery: DeliveryView) -> Select[UUID, str, datetime]:
    """The query for other deliveries about the same ticket, newest first."""
    others = select(col(Delivery.job_id), col(Delivery.status), col(Delivery.accepted_at)).where(
        col(Delivery.tenant_id) == tenant_id,
        col(Delivery.ticket_id) == delivery.ticket_id,
        col(Delivery.job_id) != delivery.job_id,
    )
    return others.order_by(col(Delivery.accepted_at).desc()).limit(_MOST_OTHERS)


def _written(row: dict[str, Any]) -> Written:
    content = row.pop("content")
    try:
        enhancement = None if content is None else Enhancement.model_validate(content)
    except ValidationError:  # of another release; its page shows all the rest
        enhancement = None
    return Written(enhancement=enhancement, **row)
