"""Writes suggested fields to a ticket, where the tenant's file allows it.

Invariant: only fields that the file names, only into those that are empty when the ticket is read right before the
call; and what is to be written is in the record of acts before it. A help desk that refuses costs the note nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import structlog

from app.core.enhancement import Enhancement
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.core.triage import TicketField, new_values
from app.db.reports.acts import record_act
from app.db.session import Database
from app.errors import HelpDeskRefused, HelpDeskUnavailable, NotNeeded

_ACTOR: Final = "worker"

log = structlog.get_logger(__name__)


class Desk(Protocol):
    async def load_ticket(self, ticket_id: str) -> Ticket: ...

    async def change_fields(self, ticket_id: str, values: Mapping[TicketField, str]) -> None: ...


async def write_fields(
    enhancement: Enhancement, ticket_id: str, *, tenant: Tenant, desk: Desk, database: Database
) -> str:
    """Write what was suggested for the ticket and may be written. Returns what was done, for the step."""
    allowed = set(tenant.triage.write) & {each.field for each in enhancement.suggestions}
    if not allowed:
        return "nothing to write"
    try:
        ticket = await desk.load_ticket(ticket_id)
        now = {field.value: getattr(ticket, field) for field in TicketField}
        values = new_values(enhancement.suggestions, now, allowed=allowed)
        if not values:
            return "the fields are filled"
        # The fields alone: a value may be a technician's name.
        told = f"ticket {ticket_id}: {', '.join(values)}"
        await record_act(database, tenant.id, actor=_ACTOR, act="write fields", detail=told, number=len(values))
        await desk.change_fields(ticket_id, values)
    except (HelpDeskRefused, HelpDeskUnavailable, NotNeeded) as error:
        log.warning("fields_not_written", code=error.code, cause=error.detail)
        return "the help desk did not take them"
    return f"wrote {', '.join(values)}"
