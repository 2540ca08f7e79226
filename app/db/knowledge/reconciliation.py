"""Deliveries for tickets that no webhook told of.

Invariant: a ticket that a delivery or an enhancement knows is left alone; one that is not becomes the delivery that its
webhook would have made, under the same job id where that is computed from the ticket, so a webhook that comes late adds
nothing. `delivery` and `due` change in one transaction, the caller's.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.delivery import Event, Webhook, compute_job_id
from app.core.ticket import Ticket

# Clocks differ: a delivery that was accepted so long before an update, by our clock, may be that update's.
_CLOCK_SKEW: Final = timedelta(minutes=2)

_RECORD: Final = """
with given as (
    select * from unnest(
        cast(:job_ids as uuid[]), cast(:ticket_ids as text[]), cast(:versions as text[]), cast(:since as timestamptz[]),
        cast(:bodies as bytea[])
    ) g (job_id, ticket_id, version, since, body)
), added as (
    insert into delivery (tenant_id, job_id, ticket_id, event, body)
    select :tenant_id, job_id, ticket_id, :event, body from given g
    where not exists (
        select from delivery d
        where d.tenant_id = :tenant_id and d.ticket_id = g.ticket_id and d.event = any(cast(:events as text[]))
            {delivery_condition}
    ) and not exists (
        select from enhancement e
        where e.tenant_id = :tenant_id and e.ticket_id = g.ticket_id {enhancement_condition}
    )
    order by job_id
    on conflict do nothing
    returning job_id
), rung as (
    insert into due (tenant_id, job_id) select :tenant_id, job_id from added
)
select job_id from added
"""
_RECORD_CREATED: Final = text(_RECORD.format(delivery_condition="", enhancement_condition=""))
_RECORD_UPDATED: Final = text(
    _RECORD.format(delivery_condition="and d.accepted_at >= g.since", enhancement_condition="and e.version = g.version")
)


async def record_missed(
    session: AsyncSession,
    tenant_id: UUID,
    tickets: Sequence[Ticket],
    *,
    events: Collection[Event],
    since: datetime,
    until: datetime,
) -> list[UUID]:
    """Record what no webhook told of *tickets*. Returns the job ids of the new deliveries.

    Args:
        session: A transaction of the tenant.
        tenant_id: The same tenant.
        tickets: As ServiceDesk Plus has them now. One that is resolved needs no note any more.
        events: The events that lead to a note: of `ticket_created` and `ticket_updated` those that are among them.
        since: What happened before is not looked at.
        until: What happened later neither: its webhook may be on its way.
    """
    asked = [ticket for ticket in tickets if ticket.resolved_at is None]
    missed: list[UUID] = []
    # In this order: a ticket that was recorded as created just now has its delivery.
    for event, sql, times in (
        (Event.CREATED, _RECORD_CREATED, [ticket.created_at for ticket in asked]),
        (Event.UPDATED, _RECORD_UPDATED, [ticket.updated_at for ticket in asked]),
    ):
        if event in events:
            timed = zip(asked, times, strict=True)
            recent = [(ticket, time) for ticket, time in timed if time is not None and since <= time <= until]
            missed += await _record(session, sql, tenant_id, event, recent, events=events)
    return missed


async def _record(
    session: AsyncSession,
    sql: TextClause,
    tenant_id: UUID,
    event: Event,
    tickets: Sequence[tuple[Ticket, datetime]],
    *,
    events: Collection[Event],
) -> list[UUID]:
    if not tickets:
        return []
    bodies = [_body(event, ticket) for ticket, _ in tickets]
    webhooks = [Webhook.model_validate(body) for body in bodies]
    values: dict[str, Any] = {
        "tenant_id": tenant_id,
        "event": event.value,
        "events": [each.value for each in events],
        "job_ids": [compute_job_id(tenant_id, webhook, signed_id=None) for webhook in webhooks],
        "ticket_ids": [ticket.id for ticket, _ in tickets],
        "versions": [ticket.version for ticket, _ in tickets],
        "since": [time - _CLOCK_SKEW for _, time in tickets],
        "bodies": [json.dumps(body).encode() for body in bodies],
    }
    return list(await session.scalars(sql, values))


def _body(event: Event, ticket: Ticket) -> dict[str, str]:
    body = {"event": event.value, "ticket_id": ticket.id, "source": "reconciliation"}
    if event is Event.UPDATED and ticket.updated_at is not None:
        body["updated_at"] = str(round(ticket.updated_at.timestamp() * 1000))
    return body
