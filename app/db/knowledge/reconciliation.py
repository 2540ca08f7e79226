"""Makes deliveries for tickets whose webhook did not arrive.

Invariant: nothing is added for a ticket that has a delivery or an enhancement. Any other gets the delivery that its
webhook would have made, with the same job id if that is computed from the ticket; so a webhook that comes late adds
nothing. `delivery` and `due` change in one transaction, the caller's.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app.core.delivery import OF_SYNC, Event, Webhook, compute_job_id
from app.core.ticket import Fate, Ticket
from app.db.tables import Delivery, Due, EnhancementRow

# The clocks of ServiceDesk Plus and PostgreSQL differ, so a delivery that was accepted up to this long before an update
# may be the delivery of that update.
_CLOCK_SKEW: Final = timedelta(minutes=2)


async def record_missed(
    session: AsyncSession,
    tenant_id: UUID,
    tickets: Sequence[Ticket],
    *,
    events: Collection[Event],
    since: datetime,
    until: datetime,
) -> list[UUID]:
    """Record deliveries for those of *tickets* whose webhook is missing. Returns their job ids.

    Of those *events* that lead to a note, `ticket_created` and `ticket_updated` are looked at, as far as they happened
    from *since* to *until*: the webhook of a later one may be on its way. A ticket that is closed or gone needs no note.
    """
    open_tickets = [ticket for ticket in tickets if ticket.fate is Fate.OPEN]
    # In this order: a ticket that was recorded as created just now has its delivery.
    happened = [
        *((Event.CREATED, ticket, ticket.created_at) for ticket in open_tickets),
        *((Event.UPDATED, ticket, ticket.updated_at) for ticket in open_tickets),
    ]
    asked = [
        (event, ticket, at)
        for event, ticket, at in happened
        if event in events and at is not None and since <= at <= until
    ]
    if not asked:
        return []
    known = await _find_known(session, tenant_id, {ticket.id for _, ticket, _ in asked}, events=events)
    rows: dict[str, dict[str, Any]] = {}
    for event, ticket, at in asked:
        if ticket.id not in rows and not known.holds(event, ticket, at):
            rows[ticket.id] = _delivery(tenant_id, event, ticket)
    return await _add(session, tenant_id, list(rows.values()))


@dataclass(frozen=True, slots=True)
class _KnownTickets:
    """What the ledger knows of some tickets."""

    accepted_at: Mapping[str, datetime]
    """When each ticket's latest delivery was accepted."""
    versions: Collection[tuple[str, str]]
    """Ticket and version of each enhancement."""

    def holds(self, event: Event, ticket: Ticket, at: datetime) -> bool:
        """Whether an event is recorded: a creation by any delivery, an update by a later delivery or the same version."""
        accepted_at = self.accepted_at.get(ticket.id)
        if event is Event.CREATED:
            return accepted_at is not None or any(ticket.id == ticket_id for ticket_id, _ in self.versions)
        is_delivered = accepted_at is not None and accepted_at >= at - _CLOCK_SKEW
        return is_delivered or (ticket.id, ticket.version) in self.versions


async def _find_known(
    session: AsyncSession, tenant_id: UUID, ids: Collection[str], *, events: Collection[Event]
) -> _KnownTickets:
    deliveries = (
        select(Delivery.ticket_id, func.max(Delivery.accepted_at))
        .where(
            Delivery.tenant_id == tenant_id,
            col(Delivery.ticket_id).in_(ids),
            col(Delivery.event).in_([event.value for event in events]),
        )
        .group_by(Delivery.ticket_id)
    )
    enhancements = select(EnhancementRow.ticket_id, EnhancementRow.version).where(
        EnhancementRow.tenant_id == tenant_id, col(EnhancementRow.ticket_id).in_(ids)
    )
    return _KnownTickets(
        accepted_at=dict((await session.execute(deliveries)).all()),
        versions=set((await session.execute(enhancements)).all()),
    )


async def _add(session: AsyncSession, tenant_id: UUID, rows: Sequence[dict[str, Any]]) -> list[UUID]:
    """Insert *rows* that don't exist yet; returns their job ids."""
    if not rows:
        return []
    connection = await session.connection()
    # Sorted, so that two writers lock rows in the same order and can't deadlock.
    ordered = sorted(rows, key=lambda row: row["job_id"].bytes)
    record = insert(Delivery).on_conflict_do_nothing().returning(col(Delivery.job_id))
    added = list((await connection.scalars(record, ordered)).all())
    if added:
        await connection.execute(insert(Due), [{"tenant_id": tenant_id, "job_id": job_id} for job_id in added])
    return added


def _delivery(tenant_id: UUID, event: Event, ticket: Ticket) -> dict[str, Any]:
    """The row that the ticket's webhook would have made."""
    body = _body(event, ticket)
    return {
        "tenant_id": tenant_id,
        "job_id": compute_job_id(tenant_id, Webhook.model_validate(body), signed_id=None),
        "ticket_id": ticket.id,
        "event": event.value,
        "body": json.dumps(body).encode(),
    }


def _body(event: Event, ticket: Ticket) -> dict[str, str]:
    body = {"event": event.value, "ticket_id": ticket.id, **OF_SYNC}
    if event is Event.UPDATED and ticket.updated_at is not None:
        body["updated_at"] = str(round(ticket.updated_at.timestamp() * 1000))
    return body
