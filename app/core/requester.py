"""What is known of a ticket's requester beside the ticket itself, for one line of the note.

Invariant: a field that is empty or None was not told by the help desk or is not stored; then nothing is said of it.
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

MAX_PAST_TICKETS: Final = 3


class PastTicket(BaseModel, frozen=True):
    """A resolved ticket of the requester. All text is plain."""

    number: str
    subject: str
    outcome: str
    """Its status, as the help desk names it, e.g. `Resolved`."""


class Requester(BaseModel, frozen=True):
    """The requester of one ticket. All text is plain."""

    is_vip: bool = False
    """Whether the help desk says so."""
    site: str = ""
    open_tickets: int | None = None
    """Other open tickets of this requester. None: no ticket of this requester is stored."""
    past_tickets: tuple[PastTicket, ...] = ()
    """The last `MAX_PAST_TICKETS` that were resolved, the latest first."""
    on_same_machine: tuple[str, ...] = ()
    """Numbers of other open tickets, of anybody, that name a machine which this ticket names."""

    @property
    def words(self) -> tuple[str, ...]:
        """What strangers may have written: the site, and the past tickets' subjects."""
        return (self.site, *(each.subject for each in self.past_tickets))

    @property
    def is_known(self) -> bool:
        """Whether there is anything to say."""
        return self != Requester()
