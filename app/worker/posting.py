"""Posting a note exactly once, though a worker may die or stall at any point.

What the database says of a version's note, and what an attempt does:

    posting_at   note_id   it means                            the attempt
    ──────────   ───────   ─────────────────────────────────   ──────────────────────────────────────────────────────
    null         null      no call was made                    sets posting_at right before its call, then posts
    set          null      a note may be on the ticket         waits until that call must have ended, looks for the
                                                               reference; if it is not there, posts, looks again and
                                                               keeps the oldest
    set          set       the note is on the ticket           does nothing: no note is needed (`reserve` says so)

Invariant: before the call that posts, the database says that a note may be on the ticket. Should two workers post all
the same (one that was stopped and woken inside its call), each removes its own note unless it is the oldest: one stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, Protocol
from uuid import UUID

import structlog

from app.core.note import note_reference
from app.db.ledger.claims import Claim
from app.db.ledger.enhancements import Enhancements, Reservation
from app.errors import AppError, Code, HelpDeskUnavailable
from app.telemetry.traces import span

# A call that was given up may still be on the wire: until so many times its limit has passed.
STRAGGLER: Final = 1.5

log = structlog.get_logger(__name__)


class PostedNote(Protocol):
    @property
    def id(self) -> str: ...


class Notes(Protocol):
    """The notes of a tenant's tickets."""

    async def find_notes(self, ticket_id: str, *, containing: str) -> Sequence[PostedNote]:
        """The ticket's notes whose text holds *containing*, oldest first."""
        ...

    async def post_note(self, ticket_id: str, html: str, *, begin: Callable[[], Awaitable[None]]) -> str:
        """Post and return the note's id; *begin* is awaited right before the call, after the wait for the limiter."""
        ...

    async def delete_note(self, ticket_id: str, note_id: str) -> None: ...


async def post_once(
    claim: Claim,
    reservation: Reservation,
    html: str,
    *,
    reference: UUID,
    notes: Notes,
    enhancements: Enhancements,
    limit: timedelta,
) -> str:
    """Put the note on the ticket, unless it is there already. Returns its id.

    Raises:
        NotNeeded: A newer version of the ticket came in before the call.
        LeaseLost: Another worker has the delivery.
        CallsExhausted: The limiter would let the call go too late; nothing was sent.
        HelpDeskUnavailable: Whether the note was stored may not be known; the next attempt looks.
        HelpDeskRefused: The note is refused for good.
    """
    with span("post_note"):
        may_be_there = reservation.posting_age is not None
        if may_be_there and (found := await _find_posted(reservation, reference, notes=notes, limit=limit)) is not None:
            return found
        begin = partial(enhancements.begin_posting, claim, reservation, html=html)
        note_id = await _post_whole(Post(notes, claim.ticket_id, html, limit, begin), reference)
        return await keep_oldest(notes, claim.ticket_id, note_id, reference) if may_be_there else note_id


async def find_posted(
    claim: Claim, *, notes: Notes, enhancements: Enhancements, limit: timedelta
) -> Reservation | None:
    """What an earlier attempt of this delivery posted: its note is on the ticket and not settled.

    The ticket may read otherwise by now, or be closed. None also where the attempt only began to post: then the ticket
    as it is now decides.
    """
    earlier = await enhancements.find_unsettled(claim)
    if earlier is None:
        return None
    reference = note_reference(claim.tenant_id, claim.ticket_id, earlier.version)
    return earlier if await _find_posted(earlier, reference, notes=notes, limit=limit) else None


async def _find_posted(reservation: Reservation, reference: UUID, *, notes: Notes, limit: timedelta) -> str | None:
    """The id of the note that an earlier attempt posted, looked for when its call must have ended."""
    assert reservation.posting_age is not None, "an attempt began to post"  # noqa: S101
    await asyncio.sleep(max((limit * STRAGGLER - reservation.posting_age).total_seconds(), 0))
    return await _find(notes, reservation.ticket_id, reference)


@dataclass(slots=True)
class Post:
    """The call that puts a note on a ticket, and whether it was made."""

    notes: Notes
    ticket_id: str
    html: str
    limit: timedelta
    """For the call alone, not for the wait for the limiter."""
    begin: Callable[[], Awaitable[None]]
    has_begun: bool = False

    async def run(self) -> str:
        """Post and return the note's id."""
        try:
            async with asyncio.timeout(None) as clock:

                async def begin() -> None:
                    await self.begin()
                    self.has_begun = True
                    clock.reschedule(asyncio.get_running_loop().time() + self.limit.total_seconds())

                return await self.notes.post_note(self.ticket_id, self.html, begin=begin)
        except TimeoutError as error:
            raise HelpDeskUnavailable(
                "ServiceDesk Plus did not take the note in time", code=Code.HELP_DESK_SLOW
            ) from error


async def _post_whole(post: Post, reference: UUID) -> str:
    """Post; who is cancelled after the call was made lets it end first: another worker may have posted too by then."""
    call = asyncio.create_task(post.run())
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        if not post.has_begun:
            call.cancel()
        with suppress(AppError, asyncio.CancelledError):
            await keep_oldest(post.notes, post.ticket_id, await call, reference)
        raise


async def _find(notes: Notes, ticket_id: str, reference: UUID) -> str | None:
    found = await notes.find_notes(ticket_id, containing=str(reference))
    return found[0].id if found else None


async def keep_oldest(notes: Notes, ticket_id: str, note_id: str, reference: UUID) -> str:
    """Remove our note *note_id* if an older one has the same reference. Returns the one that stays."""
    oldest = await _find(notes, ticket_id, reference)
    if oldest is None or oldest == note_id:
        return note_id
    await notes.delete_note(ticket_id, note_id)
    log.warning("duplicate_note_removed", note_id=note_id)
    return oldest
