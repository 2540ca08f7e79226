"""Which tickets are about the same, as people said: for the order in which the search shows what it found.

Invariant: a link is of staff, never of a requester: a technician linked the tickets in the help desk, or named the other
in a resolution, or said that our note helped which cited it. What a ticket's links are, is told by its latest version,
and a vote that is changed, or taken back by an operator, takes its links back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.reading.mentions import Named, named_tickets
from app.core.ticket import Ticket
from app.db.sqlalchemy_sessions import load_text
from app.db.tables import TicketLink, TicketRow

_VOTES: Final = load_text(__package__, "votes")


async def keep_links(session: AsyncSession, tenant_id: UUID, tickets: Sequence[Ticket]) -> None:
    """Store the links of *tickets*, which are stored already, and forget those that they have no more."""
    if not tickets:
        return
    of_these = col(TicketLink.tenant_id) == tenant_id, col(TicketLink.from_id).in_([ticket.id for ticket in tickets])
    await session.execute(delete(TicketLink).where(*of_these, col(TicketLink.told_by) != "vote"))
    named = {ticket.id: named_tickets(ticket.resolution) for ticket in tickets}
    ids = await _find(session, tenant_id, named.values())
    links = {
        (to_id, ticket.id, told_by)
        for ticket in tickets
        for told_by, to_ids in (
            ("link", ticket.linked_to),
            ("resolution", [ids[name] for name in (*named[ticket.id].ids, *named[ticket.id].numbers) if name in ids]),
        )
        for to_id in to_ids
        if to_id != ticket.id
    }
    await _add(session, tenant_id, links)


async def drop_links(session: AsyncSession, tenant_id: UUID, ids: Collection[str]) -> None:
    """Forget the links to and from these tickets, which are gone."""
    is_to = (col(TicketLink.kind) == "ticket") & col(TicketLink.to_id).in_(ids)
    await session.execute(
        delete(TicketLink).where(col(TicketLink.tenant_id) == tenant_id, or_(is_to, col(TicketLink.from_id).in_(ids)))
    )


async def keep_votes(session: AsyncSession, tenant_id: UUID) -> None:
    """Make links of votes: from the ticket of a note to the sources that the vote is about."""
    await session.execute(_VOTES, {"tenant_id": tenant_id})


async def _find(session: AsyncSession, tenant_id: UUID, named: Collection[Named]) -> dict[str, str]:
    """The id of each named ticket that is stored, by what names it."""
    numbers = {number for each in named for number in each.numbers}
    ids = {id_ for each in named for id_ in each.ids}
    if not numbers and not ids:
        return {}
    stored = select(col(TicketRow.id), col(TicketRow.display_id)).where(
        col(TicketRow.tenant_id) == tenant_id,
        or_(col(TicketRow.id).in_(ids | numbers), col(TicketRow.display_id).in_(numbers)),
    )
    found: dict[str, str] = {}
    for id_, display_id in (await session.execute(stored)).all():
        # Technicians know a ticket by its display id, where the edition has one.
        found |= {name: id_ for name in (id_ if id_ in ids else "", display_id or id_) if name}
    return found


async def _add(session: AsyncSession, tenant_id: UUID, links: Collection[tuple[str, str, str]]) -> None:
    rows: list[dict[str, Any]] = [
        {"tenant_id": tenant_id, "kind": "ticket", "to_id": to_id, "from_id": from_id, "told_by": told_by}
        for to_id, from_id, told_by in sorted(links)
    ]
    if rows:
        await (await session.connection()).execute(insert(TicketLink).on_conflict_do_nothing(), rows)
