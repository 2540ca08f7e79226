"""Posts a note exactly once, although a worker may die or stall at any point.

What the database says about the note of a version, and what an attempt does:

    posting_at   note_id   it means                            the attempt
    ──────────   ───────   ─────────────────────────────────   ──────────────────────────────────────────────────────
    null         null      no call was made                    sets posting_at right before its call, then posts
    set          null      a note may be on the ticket         waits until that call must have ended, looks for the
                                                               reference; if it is not there, posts, looks again and
                                                               keeps the oldest
    set          set       the note is on the ticket           does nothing: no note is needed (`reserve` says so)

For example, with a time limit of 15 s for the call:

    time     worker   posting_at   note_id   what happens
    ──────   ──────   ──────────   ───────   ─────────────────────────────────────────────────────────────────────────
    0 s      A        null         null      claims, writes the enhancement
    10 s     A        10 s         null      sets posting_at, calls ServiceDesk Plus, and is killed during the call
    71 s     B        10 s         null      claims after A's lease; 61 s > 1.5 * 15 s, so A's call must have ended
    72 s     B        10 s         null      finds A's note by the reference and posts nothing
    73 s     B        10 s         4711      settles: stores the note's id and the status in one transaction

Had B found no note at 72 s, it would have posted its own, looked again, and removed it if an older one had appeared.

Invariant: before the call that posts, the database says that a note may be on the ticket. If two workers do post (one
was stopped by its system in the middle of its call and continued later), each removes its own note unless it is the
oldest, so one stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, Protocol
from uuid import UUID

import structlog

from app.core.note import note_reference
from app.db.ledger.claims import Claim
from app.db.ledger.enhancements import Enhancements, Reservation
from app.errors import AppError, Code, HelpDeskUnavailable
from app.telemetry.traces import span

# A call that timed out may still reach ServiceDesk Plus. It is taken to have ended after its time limit times this.
STRAGGLER: Final = 1.5

log = structlog.get_logger(__name__)


class PostedNote(Protocol):
    @property
    def id(self) -> str: ...


class Notes(Protocol):
    """The notes of a tenant's tickets."""

    async def find_notes(
        self, ticket_id: str, *, containing: str, since: datetime | None = None
    ) -> Sequence[PostedNote]:
        """The ticket's notes whose text holds *containing*, oldest first; *since*: none of them is older."""
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
    is_restored: bool,
) -> str:
    """Put the note on the ticket, unless it is there already. Returns its id.

    *reference* is what the note holds, and no other. If *is_restored*, the database is that of a backup: what it does
    not know of may have been posted all the same.

    Raises:
        NotNeeded: A newer version of the ticket came in before the call.
        LeaseLost: Another worker has the delivery.
        CallsExhausted: The limiter would let the call go too late; nothing was sent.
        HelpDeskUnavailable: The note may or may not be there; the next attempt looks for it.
        HelpDeskRefused: ServiceDesk Plus refuses the note; a retry would not help.
    """
    with span("post_note"):
        if reservation.note_id is not None:
            return reservation.note_id
        may_be_there = reservation.posting_age is not None
        if may_be_there:
            found = await _find_posted(reservation, reference, notes=notes, limit=limit)
        else:
            found = await _find(notes, claim.ticket_id, reference) if is_restored else None
        if found is not None:
            return found
        begin = partial(enhancements.begin_posting, claim, reservation, html=html)
        note_id = await post_whole(Post(notes, claim.ticket_id, html, limit, begin), reference)
        if not may_be_there:
            return note_id
        return await keep_oldest(notes, claim.ticket_id, note_id, reference, since=first_posting(reservation))


async def find_posted(
    claim: Claim, *, notes: Notes, enhancements: Enhancements, limit: timedelta
) -> Reservation | None:
    """What an earlier attempt of this delivery posted: its note is on the ticket and not settled. It has a `note_id`.

    The ticket may read otherwise by now, or be closed. None also where the attempt only began to post: then the ticket
    as it is now decides.
    """
    earlier = await enhancements.find_unsettled(claim)
    if earlier is None:
        return None
    reference = note_reference(claim.tenant_id, claim.ticket_id, earlier.version)
    note_id = await _find_posted(earlier, reference, notes=notes, limit=limit)
    return None if note_id is None else replace(earlier, note_id=note_id)


def first_posting(reservation: Reservation) -> datetime:
    """When an attempt first began to post, as far as *reservation* tells: no note of its version is older."""
    return datetime.now(UTC) - (reservation.posting_age or timedelta(0))


async def _find_posted(reservation: Reservation, reference: UUID, *, notes: Notes, limit: timedelta) -> str | None:
    """Wait until the call of an earlier attempt must have ended, then look for its note. Returns the note's id."""
    assert reservation.posting_age is not None, "an attempt began to post"  # noqa: S101
    since = first_posting(reservation)
    await asyncio.sleep(max((limit * STRAGGLER - reservation.posting_age).total_seconds(), 0))
    return await _find(notes, reservation.ticket_id, reference, since=since)


@dataclass(slots=True)
class Post:
    """The call that posts a note, and whether it has begun."""

    notes: Notes
    ticket_id: str
    html: str
    limit: timedelta
    """Time limit for the call, without the wait for the limiter."""
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


async def post_whole(post: Post, reference: UUID) -> str:
    """Post. If this task is cancelled during the call, it lets the call end first and then keeps the oldest note.

    Cancelled means that the lease may be lost, so another worker may have posted too.
    """
    call = asyncio.create_task(post.run())
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        if not post.has_begun:
            call.cancel()
        with suppress(AppError, asyncio.CancelledError):
            await keep_oldest(post.notes, post.ticket_id, await call, reference)
        raise


async def _find(notes: Notes, ticket_id: str, reference: UUID, *, since: datetime | None = None) -> str | None:
    found = await notes.find_notes(ticket_id, containing=str(reference), since=since)
    return found[0].id if found else None


async def keep_oldest(
    notes: Notes, ticket_id: str, note_id: str, reference: UUID, *, since: datetime | None = None
) -> str:
    """Remove our note *note_id* if an older one has the same reference. Returns the one that stays.

    *since*: none of them is older; None: not known.
    """
    oldest = await _find(notes, ticket_id, reference, since=since)
    if oldest is None or oldest == note_id:
        return note_id
    await notes.delete_note(ticket_id, note_id)
    log.warning("duplicate_note_removed", note_id=note_id)
    return oldest
