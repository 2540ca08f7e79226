"""One tenant's help desk in memory.

Invariant: the number of items is limited. Every change of a ticket, also a new note, changes its `updated`.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.core.delivery import parse_time
from app.core.help_desk import Edition
from app.simulator.faults import Faults
from app.simulator.tokens import Tokens

MAX_ENTITIES: Final = 50_000
"""Of each kind in a portal; notes count over all tickets."""
MAX_NOTE_CHARS: Final = 200_000


class PortalFull(Exception):
    """The portal has reached a limit of items."""


@dataclass
class Person:
    name: str = ""
    email: str = ""
    is_vip: bool = False


@dataclass
class HeldNote:
    """A note as it was posted."""

    id: str
    html: str
    created: datetime
    author: str
    show_to_requester: bool = False
    notify_technician: bool = False
    mark_first_response: bool = False
    add_to_linked_requests: bool = False


@dataclass
class HeldTicket:
    """A ticket; `description` and `resolution` are HTML."""

    id: str
    display_id: str
    requester: Person
    created: datetime
    updated: datetime | None
    resolved: datetime | None
    subject: str
    description: str = ""
    category: str = ""
    priority: str = ""
    status: str = "Open"
    technician: str = ""
    resolution: str = ""
    account: str = ""
    """The id of one of the portal's accounts; empty: none."""
    site: str = ""
    subcategory: str = ""
    group: str = ""
    trashed: bool = field(default=False, init=False)
    linked_to: str = field(default="", init=False)
    """The id of the ticket that a technician linked it to."""
    work_logs: list[str] = field(default_factory=list, init=False)
    """What technicians wrote about their work, HTML."""
    closing_comment: str = field(default="", init=False)
    notes: list[HeldNote] = field(default_factory=list, init=False)


@dataclass
class HeldArticle:
    """A knowledge-base article; `text` is HTML."""

    id: str
    title: str
    text: str
    approved: bool
    public: bool
    updated: datetime
    accounts: list[str] = field(default_factory=list)
    """The ids of the accounts that it is shared with."""


@dataclass
class HeldAsset:
    id: str
    name: str
    hostname: str
    ips: list[str]
    role: str
    location: str
    user: Person
    updated: datetime
    account: str = ""


@dataclass
class Portal:
    """A help desk: its credentials, its items, and its faults.

    `url` and `accounts_url` are set when the portal is added to a simulator; they are the values for a tenant's file.
    """

    slug: str
    edition: Edition
    name: str = ""
    api_key: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    note_key: str = ""
    """The wrapper of a posted note; empty: `note` on premises, `request_note` in the cloud."""
    technician: str = "AI Agents"
    """The author of notes that are posted through the API."""
    lists_hold_text: bool = True
    """Whether lists have descriptions and resolutions if they are asked for; builds differ."""
    assets_path: str = ""
    """Empty: `asset_assets` on premises (as from build 15100), `assets` in the cloud."""
    accounts: dict[str, str] = field(default_factory=dict)
    """Of an MSP edition: the accounts' names by id."""
    account_key: str = ""
    """Where a row names its account; empty: `customer` in the MSP cloud, `account` on premises. The real name is not
    published for either."""
    scopes: frozenset[str] = frozenset({"requests", "solutions", "assets"})
    """The resources that a token of the cloud is good for."""
    max_note_chars: int = MAX_NOTE_CHARS
    url: str = ""
    accounts_url: str = ""
    faults: Faults = field(default_factory=Faults)
    tokens: Tokens = field(default_factory=Tokens)
    calls: deque[str] = field(default_factory=lambda: deque(maxlen=10_000))
    """The latest calls of the API, oldest first: `GET /requests/100234`."""
    tickets: dict[str, HeldTicket] = field(default_factory=dict)
    articles: dict[str, HeldArticle] = field(default_factory=dict)
    assets: dict[str, HeldAsset] = field(default_factory=dict)
    note_count: int = 0
    notes_removed: int = 0
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    def __post_init__(self) -> None:
        is_cloud = self.edition.is_cloud
        self.account_key = self.account_key or ("customer" if is_cloud else "account")
        self.name = self.name or self.slug
        self.note_key = self.note_key or ("request_note" if is_cloud else "note")
        self.assets_path = self.assets_path or ("assets" if is_cloud else "asset_assets")
        needed = (self.client_id, self.client_secret, self.refresh_token) if is_cloud else (self.api_key,)
        if not all(needed):
            raise ValueError("cloud needs client_id, client_secret and refresh_token; on_premises needs api_key")

    def add_ticket(
        self,
        *,
        id: str | int | None = None,  # noqa: A002 - the word of the sample files
        requester: Mapping[str, Any] | str | None = None,
        created: datetime | str | None = None,
        updated: datetime | str | None = None,
        resolved: datetime | str | None = None,
        **texts: str,
    ) -> HeldTicket:
        """Add a ticket, or replace the one of this id; times default to now, `updated` to the latest of the others.

        *texts*: fields of `HeldTicket`, its subject at least; any other is a TypeError.
        """
        _refuse_if_full(self.tickets)
        created_at, resolved_at = _time(created) or datetime.now(UTC), _time(resolved)
        ticket_id = self._id_or_next(id)
        ticket = HeldTicket(
            id=ticket_id,
            display_id=str(len(self.tickets) + 1) if self.edition.is_cloud else ticket_id,
            requester=_person(requester),
            created=created_at,
            updated=_time(updated) or resolved_at or created_at,
            resolved=resolved_at,
            **texts,
        )
        self.tickets[ticket_id] = ticket
        return ticket

    def update_ticket(self, ticket_id: str, **changes: Any) -> HeldTicket:
        """Change fields of a ticket by their names; `updated` becomes now unless it is one of them."""
        ticket = self.tickets[ticket_id]
        for name, value in {"updated": datetime.now(UTC), **changes}.items():
            if name in {"id", "display_id", "notes"} or not hasattr(ticket, name):
                raise ValueError(f"a ticket has no field {name} to change")
            setattr(ticket, name, _person(value) if name == "requester" else value)
        return ticket

    def add_article(
        self,
        *,
        title: str,
        id: str | int | None = None,  # noqa: A002
        text: str = "",
        approved: bool = True,
        public: bool = False,
        updated: datetime | str | None = None,
        accounts: list[str] | None = None,
    ) -> HeldArticle:
        _refuse_if_full(self.articles)
        changed_at = _time(updated) or datetime.now(UTC)
        article = HeldArticle(self._id_or_next(id), title, text, approved, public, changed_at, list(accounts or []))
        self.articles[article.id] = article
        return article

    def add_asset(
        self,
        *,
        name: str,
        id: str | int | None = None,  # noqa: A002
        hostname: str = "",
        ip: str | list[str] | None = None,
        role: str = "",
        location: str = "",
        user: Mapping[str, str] | str | None = None,
        updated: datetime | str | None = None,
        account: str = "",
    ) -> HeldAsset:
        _refuse_if_full(self.assets)
        ips = [ip] if isinstance(ip, str) else list(ip or [])
        asset = HeldAsset(
            self._id_or_next(id),
            name,
            hostname,
            ips,
            role,
            location,
            _person(user),
            _time(updated) or datetime.now(UTC),
            account,
        )
        self.assets[asset.id] = asset
        return asset

    def add_note(self, ticket_id: str, html: str, **flags: bool) -> HeldNote:
        """Put a note on a ticket, as the portal's technician."""
        if self.note_count >= MAX_ENTITIES or len(html) > self.max_note_chars:
            raise PortalFull
        now = datetime.now(UTC)
        note = HeldNote(str(next(self._ids) + self._id_base), html, now, self.technician, **flags)
        ticket = self.tickets[ticket_id]
        ticket.notes.append(note)
        ticket.updated = now
        self.note_count += 1
        return note

    def change_note(self, ticket_id: str, note_id: str, html: str) -> HeldNote | None:
        """Replace a note's text; None when there is no such note."""
        if len(html) > self.max_note_chars:
            raise PortalFull
        ticket = self.tickets[ticket_id]
        for note in ticket.notes:
            if note.id == note_id:
                note.html, ticket.updated = html, datetime.now(UTC)
                return note
        return None

    def delete_note(self, ticket_id: str, note_id: str) -> bool:
        """Whether there was such a note."""
        ticket = self.tickets[ticket_id]
        kept = [note for note in ticket.notes if note.id != note_id]
        if len(kept) == len(ticket.notes):
            return False
        ticket.notes, ticket.updated = kept, datetime.now(UTC)
        self.note_count -= 1
        self.notes_removed += 1
        return True

    def notes(self, ticket_id: str) -> list[HeldNote]:
        """The notes on a ticket, oldest first."""
        return list(self.tickets[ticket_id].notes)

    @property
    def _id_base(self) -> int:
        # Ids of the cloud are long, so that code which keeps them in 32 bits or in a float fails in tests.
        return 234_567_000_000_000_000 if self.edition.is_cloud else 100_000

    def _id_or_next(self, given: str | int | None) -> str:
        return str(given) if given is not None else str(next(self._ids) + self._id_base)


def _refuse_if_full(held: Mapping[str, object]) -> None:
    if len(held) >= MAX_ENTITIES:
        raise PortalFull


def _person(value: Person | Mapping[str, Any] | str | None) -> Person:
    if isinstance(value, Person):
        return value
    if isinstance(value, Mapping):
        return Person(value.get("name", ""), value.get("email", ""), bool(value.get("is_vip")))
    return Person(name=value or "")


def _time(value: datetime | str | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)
    time = parse_time(value)
    if time is None:
        raise ValueError(f"not a time: {value}")
    return time
