"""Keeps the note of a storm up to date: one note on the storm's first ticket, which names all tickets.

Invariant: a storm has one note, found by its reference, although a worker may die or stall at any point; what the
database says of it, and what an attempt does, is a table in `db/ledger/arrivals.py`. A call that was lost is made again
by the attempt that made it, or by the next ticket's. A note that a technician removed is not posted again, and a first
ticket that takes no note costs no other ticket its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from app.core.note import render_storm_note, storm_reference
from app.core.storm import Storm
from app.core.ticket import Ticket
from app.db.ledger.arrivals import SomebodyElsePosts, StormNote, StormNoteChanged, Storms
from app.db.ledger.claims import Claim
from app.errors import HelpDeskRefused, NotNeeded
from app.worker.posting import STRAGGLER, Notes, Post, keep_oldest, post_whole

_MOST_ROUNDS: Final = 20
"""How often one attempt changes the note, while more tickets arrive. Whoever comes next goes on."""

log = structlog.get_logger(__name__)


class Desk(Notes, Protocol):
    """The tickets of a tenant, and their notes."""

    async def load_ticket(self, ticket_id: str) -> Ticket: ...

    async def change_note(
        self, ticket_id: str, note_id: str, html: str, *, begin: Callable[[], Awaitable[None]]
    ) -> None: ...

    def ticket_url(self, ticket_id: str) -> str: ...


@dataclass(frozen=True, slots=True)
class StormKeeper:
    """What keeps the note of a storm for one attempt."""

    claim: Claim
    storm: Storm
    desk: Desk
    storms: Storms
    language: str
    limit: timedelta
    """Of one call."""
    is_shared: bool
    """Whether the help desk is shared, so that the first ticket's account must be seen before its note is changed."""

    async def keep(self) -> None:
        """Bring the storm's note up to date, unless another attempt is at it, which then looks again.

        Raises:
            HelpDeskUnavailable: The note may or may not be up to date; the next attempt does this again.
            LeaseLost: Another worker has the claim's delivery.
        """
        try:
            if self.is_shared:
                await self.desk.load_ticket(self.storm.first.id)
            for _ in range(_MOST_ROUNDS):
                state = await self.storms.join(self.claim, self.storm, ticket_url=self.desk.ticket_url)
                if state is None or len(state.tickets) <= state.told:
                    return
                if state.posting_age is not None and state.posting_age < self._straggles and self.claim.attempt > 1:
                    # It may be the call of an attempt before this one, which nobody ends.
                    await asyncio.sleep((self._straggles - state.posting_age).total_seconds())
                    continue
                try:
                    note_id = await self._tell(state)
                except StormNoteChanged:
                    continue
                left = await self._end(state, note_id)
                if left <= len(state.tickets):
                    return
        except SomebodyElsePosts:
            log.info("storm_note_left_to_another")
        except (HelpDeskRefused, NotNeeded) as error:  # a line on each ticket tells the same
            log.warning("storm_note_refused", code=error.code, cause=error.detail)

    @property
    def _straggles(self) -> timedelta:
        """After this time a call of which no end is stored must have ended."""
        return self.limit * STRAGGLER

    async def _tell(self, state: StormNote) -> str | None:
        """Post or change the note so that it names all tickets. Returns its id; None: the ticket takes none."""
        first_id, reference = self.storm.first.id, storm_reference(self.claim.tenant_id, self.storm.first.id)
        minutes = max(1, round((state.latest_at - state.began_at).total_seconds() / 60))
        html = render_storm_note(state.tickets, minutes=minutes, language=self.language, reference=reference)
        note_id, since = state.note_id, datetime.now(UTC) - (state.posting_age or timedelta(0))
        if note_id is None and state.posting_age is not None and state.posting_age >= self._straggles:
            found = await self.desk.find_notes(first_id, containing=str(reference), since=since)
            note_id = found[0].id if found else None
        begin = partial(self.storms.begin, self.claim, state, first_id, straggles=self._straggles)
        try:
            if note_id is not None:
                await self.desk.change_note(first_id, note_id, html, begin=begin)
                return note_id
            posted = await post_whole(Post(self.desk, first_id, html, self.limit, begin), reference)
        except HelpDeskRefused:
            await self._end(state, None)
            raise
        if state.posting_age is None:
            return posted
        return await keep_oldest(self.desk, first_id, posted, reference, since=since)

    async def _end(self, state: StormNote, note_id: str | None) -> int:
        return await self.storms.end(
            self.claim.tenant_id, self.storm.first.id, note_id=note_id, told=len(state.tickets)
        )
