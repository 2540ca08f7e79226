"""A ticket as the rest of the product sees it: plain text, whatever system it came from.

Invariant: `version` changes only when the words of the ticket change. Our own note changes ServiceDesk Plus's
`last_updated_time`, and automation rules set priority and technician after creation; neither needs a second note.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Final

from pydantic import BaseModel, Field

from app.core.help_desk import AccountRef
from app.core.reading.mail import Mail, split_mail

MAX_TICKET_ID_CHARS: Final = 64


class Fate(StrEnum):
    """Whether a ticket still needs work, and if not, why."""

    OPEN = "open"
    CLOSED = "closed"
    """Resolved, closed or cancelled: every status that the help desk counts as completed."""
    TRASHED = "trashed"
    MERGED = "merged"

    @property
    def is_gone(self) -> bool:
        """Whether technicians can't find the ticket any more."""
        return self in {Fate.TRASHED, Fate.MERGED}


class Ticket(BaseModel, frozen=True):
    """One ticket. All text is plain (`core.reading.text.plain_text`); times are aware and UTC."""

    id: str = Field(min_length=1, max_length=MAX_TICKET_ID_CHARS)
    display_id: str = ""
    subject: str = ""
    description: str = ""
    requester: str = ""
    is_vip: bool = False
    """Whether the help desk says so of the requester."""
    site: str = ""
    priority: str = ""
    status: str = ""
    category: str = ""
    subcategory: str = ""
    group: str = ""
    technician: str = ""
    """The technician's name."""
    resolution: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    resolved_at: datetime | None = None
    fate: Fate = Fate.OPEN
    linked_to: tuple[str, ...] = ()
    """Ids of the tickets that technicians linked it to in the help desk."""
    assets: tuple[str, ...] = ()
    """Hostnames of the assets that were chosen in a field of the ticket."""
    account: AccountRef = AccountRef()
    """In an MSP's instance: its account; empty if the help desk has no accounts."""

    @property
    def number(self) -> str:
        """The number by which technicians know the ticket: its display id if it has one, else its id."""
        return self.display_id or self.id

    @property
    def version(self) -> str:
        """SHA-256, 64 hex digits, of the words that an enhancement depends on: subject and description."""
        words = "\x00".join(" ".join(text.split()) for text in (self.subject, self.description))
        return hashlib.sha256(words.encode()).hexdigest()

    @property
    def closing_version(self) -> str:
        """As `version`, of the words that the draft of its closing depends on: the resolution too. Never the same."""
        return hashlib.sha256(f"closing\x00{self.version}\x00{' '.join(self.resolution.split())}".encode()).hexdigest()

    @property
    def text(self) -> str:
        """Subject and description, all that its requester sent."""
        return f"{self.subject}\n{self.description}".strip()

    @cached_property
    def mail(self) -> Mail:
        """The description's parts: the requester's own words, what they quote, and what closes the mail."""
        return split_mail(self.description)

    @property
    def asked(self) -> str:
        """Subject and the requester's own words."""
        return f"{self.subject}\n{self.mail.own}".strip()
