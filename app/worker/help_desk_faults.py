"""What a help desk's failure means for the attempt: is all of it down, or does it fail for this ticket alone?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from app.core.access_token import TokenUnavailable
from app.core.delivery import check_still_wanted
from app.db.ledger.claims import Claim
from app.db.ledger.enhancements import Enhancements
from app.errors import (
    CallsExhausted,
    HelpDeskDown,
    HelpDeskRefused,
    HelpDeskUnavailable,
    KeyReplaced,
    Rejected,
    TicketForeign,
)
from app.integrations.servicedesk import ServiceDesk
from app.worker.circuits import Circuit
from app.worker.toolkits import Toolkit


@asynccontextmanager
async def told_apart(help_desk: ServiceDesk, circuit: Circuit) -> AsyncIterator[None]:
    """Find out whether the help desk is down or fails for this ticket only.

    It is down when its circuit opens, which needs failures of several deliveries; when its accounts server gives no
    token; or when it does not answer a call about something else either: a tenant with one delivery due has nothing
    else to tell it by.

    A key that was replaced there counts as a failure too: until the new one comes, one delivery at a time tries.

    Raises:
        HelpDeskDown: In place of a `HelpDeskUnavailable` of the block.
    """
    try:
        yield
    except CallsExhausted:
        raise
    except KeyReplaced:
        await circuit.failed()
        raise
    except HelpDeskUnavailable as error:
        if await circuit.failed() or isinstance(error, TokenUnavailable):
            raise HelpDeskDown(error.detail, retry_after=error.retry_after, code=error.code) from error
        try:
            await help_desk.peek()
        except CallsExhausted:
            raise
        except HelpDeskUnavailable as silence:
            asked = silence.retry_after or error.retry_after
            raise HelpDeskDown(silence.detail, retry_after=asked, code=silence.code) from error
        except Rejected:  # an answer
            pass
        raise


@asynccontextmanager
async def held_unless_others_get_through(claim: Claim, enhancements: Enhancements) -> AsyncIterator[None]:
    """Tell a help desk that takes no notes from one that does not take this ticket's.

    It may answer what is read and still take nothing, e.g. while its disk is full, or not even list the notes of a
    ticket. For a tenant with one delivery due only the notes of its other deliveries can tell.

    Raises:
        HelpDeskDown: In place of a `HelpDeskUnavailable` of the block, while no other note of the tenant gets through.
    """
    try:
        yield
    except CallsExhausted:
        raise
    except HelpDeskUnavailable as error:
        if await enhancements.others_get_through(claim):
            raise
        raise HelpDeskDown(error.detail, retry_after=error.retry_after, code=error.code) from error


@asynccontextmanager
async def told_if_gone(help_desk: ServiceDesk, ticket_id: str, *, is_closed_wanted: bool) -> AsyncIterator[None]:
    """Look at the ticket again when its note is refused: while the model wrote, it may have been trashed or merged.

    Raises:
        NotNeeded: It was, in place of the refusal.
        TicketNotFound: It is not there any more.
    """
    try:
        yield
    except KeyReplaced:
        raise
    except HelpDeskRefused:
        with suppress(HelpDeskUnavailable):
            check_still_wanted(await help_desk.load_ticket(ticket_id), is_closed_wanted=is_closed_wanted)
        raise


@asynccontextmanager
async def without_foreign(kit: Toolkit) -> AsyncIterator[None]:
    """Take a ticket that is of another account by now out of the history."""
    try:
        yield
    except TicketForeign as error:
        await kit.forget(error.ticket_id)
        raise
