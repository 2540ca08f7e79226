"""Deliveries as an operator sees them: list, show, replay, dismiss. One tenant at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Uuid, any_, cast, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.delivery import Status
from app.db.each import ask_each, load_each
from app.db.reports.audit import Witness
from app.db.reports.choices import EVERY, Choice, condition
from app.db.session import Database, Row
from app.db.sql import Statement
from app.db.tables import Delivery, Due, FailedRow
from app.errors import Code


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
    """Why it has its status, as `app.errors.Code`. None: an older release stored it, or there is no reason to give."""
    last_error: str | None
    ignored_because: str | None
    trace_context: str | None

    @property
    def reason(self) -> str | None:
        """Why it has its status; a delivery that is done has no reason, even after failed attempts."""
        if self.status == Status.IGNORED:
            return self.ignored_because
        return None if self.status == Status.DONE else self.last_error

    @property
    def is_dismissed(self) -> bool:
        """Whether an operator settled it without a note, after it had failed."""
        return self.code == Code.DISMISSED


_USED: Final = cast(col(Delivery.attempt), BigInteger) - col(Delivery.attempts_forgiven)
VIEW: Final = [
    _USED.label(each.name) if each.name == "attempts_used" else col(getattr(Delivery, each.name))
    for each in fields(DeliveryView)
]
"""The columns of a `DeliveryView`."""
NEWEST_FIRST: Final = (col(Delivery.accepted_at).desc(), col(Delivery.job_id).desc())


async def list_deliveries(
    database: Database, tenant_id: UUID, choice: Choice = EVERY, *, limit: int = 50
) -> list[DeliveryView]:
    """The chosen deliveries, newest first."""
    chosen = select(*VIEW).where(*choice.conditions(tenant_id)).order_by(*NEWEST_FIRST).limit(limit)
    async with database.as_tenant(tenant_id) as session:
        return [DeliveryView(**row) for row in (await session.execute(chosen)).mappings()]


async def count_deliveries(database: Database, tenant_id: UUID, choice: Choice, *, at_most: int | None = None) -> int:
    """The number of chosen deliveries; counting stops at *at_most*."""
    return (await count_each(database, [tenant_id], choice, at_most=at_most))[tenant_id]


async def count_each(
    database: Database, tenant_ids: Sequence[UUID], choice: Choice, *, at_most: int | None
) -> dict[UUID, int]:
    """The same of each of these tenants."""

    def read(row: Row) -> tuple[UUID, int]:
        return row["tenant_id"], row["number"]

    values = choice.values
    return dict(await ask_each(database, tenant_ids, _count(frozenset(values)), read, **values, at_most=at_most))


@cache
def _count(names: frozenset[str]) -> Statement:
    return load_each(__package__, "count", chosen=condition(names))


async def replay_deliveries(
    database: Database,
    tenant_id: UUID,
    choice: Choice = EVERY,
    *,
    job_ids: Sequence[UUID] | None = None,
    limit: int,
    witness: Witness | None = None,
) -> list[UUID]:
    """Give failed deliveries their attempts back and make them due now. Returns the job ids of those that were changed.

    These are at most *limit*, the oldest first, of those that *choice* chooses (its status is ignored) and, where they
    are given, *job_ids* name.
    """
    async with database.as_tenant(tenant_id) as session:
        chosen = await _take_failed(session, tenant_id, choice, job_ids=job_ids, limit=limit)
        replayed = await session.execute(
            update(Delivery)
            .where(*_of(Delivery, tenant_id, chosen))
            .values(status=Status.PENDING, attempts_forgiven=Delivery.attempt, settled_at=None, updated_at=func.now())
            .returning(col(Delivery.tenant_id), col(Delivery.job_id), col(Delivery.accepted_at))
        )
        rows = [dict(row) for row in replayed.mappings()]
        if rows:
            due_again = {"due_at": func.now(), "is_leased": False}
            due = insert(Due).values(rows)
            await session.execute(due.on_conflict_do_update(index_elements=["tenant_id", "job_id"], set_=due_again))
        if witness is not None:
            await witness(session, tenant_id, len(chosen))
        return chosen


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
    """Settle failed deliveries as ignored, with the operator's reason *because*. Otherwise like `replay_deliveries`."""
    async with database.as_tenant(tenant_id) as session:
        chosen = await _take_failed(session, tenant_id, choice, job_ids=job_ids, limit=limit)
        await session.execute(
            update(Delivery)
            .where(*_of(Delivery, tenant_id, chosen))
            .values(status=Status.IGNORED, code=Code.DISMISSED, ignored_because=because, updated_at=func.now())
        )
        if witness is not None:
            await witness(session, tenant_id, len(chosen))
        return chosen


async def _take_failed(
    session: AsyncSession, tenant_id: UUID, choice: Choice, *, job_ids: Sequence[UUID] | None, limit: int
) -> list[UUID]:
    """Lock the chosen failed deliveries, oldest first, and delete them from the list of failed ones (`dead`)."""
    conditions = replace(choice, status=Status.FAILED).conditions(tenant_id)
    if job_ids is not None:
        conditions.append(col(Delivery.job_id).in_(job_ids))
    oldest = select(col(Delivery.job_id)).where(*conditions).order_by(col(Delivery.accepted_at)).limit(limit)
    chosen = list((await session.execute(oldest.with_for_update())).scalars())
    await session.execute(delete(FailedRow).where(*_of(FailedRow, tenant_id, chosen)))
    return chosen


def _of(
    table: type[Delivery | FailedRow], tenant_id: UUID, job_ids: Sequence[UUID]
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(table.tenant_id) == tenant_id, col(table.job_id) == any_(literal(job_ids, ARRAY(Uuid)))
