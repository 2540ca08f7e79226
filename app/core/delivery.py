"""The life of a delivery: one webhook call that was accepted.

    pending ──▶ processing ──▶ done
     ▲ │            │ ├──────▶ ignored   needs no note of its own; the reason is stored
     │ │            │ │           ▲      an operator dismisses it
     ├─┼── retry ───┘ └──────▶ failed    attempts used up, or a retry can't help
     │ └──────────────────────────▲│     its row can't be read
     └── an operator's replay ─────┘

Invariant: every change of a status is one that the table `NEXT` allows: a test lets the database tell each change. A
delivery that is done or ignored never changes again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID, uuid4, uuid5

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from app.core.body import NotJson, read_json
from app.core.help_desk import AccountRef
from app.core.reading.automatic import find_automatic
from app.core.reading.text import plain_text, tidy
from app.core.ticket import MAX_TICKET_ID_CHARS, Fate, Ticket
from app.errors import Code, MalformedDelivery, NotNeeded


class Event(StrEnum):
    """What happened to the ticket, as the webhook's sender names it."""

    CREATED = "ticket_created"
    UPDATED = "ticket_updated"
    RESOLVED = "ticket_resolved"


class Status(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"
    IGNORED = "ignored"


NEXT: Final[Mapping[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.PROCESSING, Status.FAILED}),
    Status.PROCESSING: frozenset({Status.PENDING, Status.PROCESSING, Status.DONE, Status.FAILED, Status.IGNORED}),
    Status.DONE: frozenset(),
    Status.FAILED: frozenset({Status.PENDING, Status.IGNORED}),
    Status.IGNORED: frozenset(),
}


OF_SYNC: Final[Mapping[str, str]] = {"source": "reconciliation"}
"""What the body of a delivery holds that the sync makes, of a ticket whose webhook had not arrived."""
_OF_SYNC_BYTES: Final = json.dumps(OF_SYNC).strip("{}").encode()

_UNFILLED: Final = "holds a variable that the help desk did not fill in"
_FIRST_INEXACT: Final = 2**53
"""From here on a number with an exponent or a point may be another ticket's id: not each whole number has one."""
_ROUNDED: Final = "is a number that may have been rounded to another ticket's id: send it as text, in double quotes"


def _id_text(value: Any) -> Any:
    """A ticket's id as text. Senders write it as a JSON string or as an integer."""
    if isinstance(value, float) and value.is_integer():
        if abs(value) >= _FIRST_INEXACT:
            raise ValueError(_ROUNDED)
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be a string or a whole number")  # noqa: TRY004 - pydantic turns ValueError into its own
    if _is_variable(value):
        raise ValueError(_UNFILLED)
    return _INVISIBLE.sub("", str(value)).strip().strip("#")


def _loose_text(value: Any) -> str:
    """The text of a field that is only a hint: the ticket is read through the API later, so any shape is accepted."""
    if isinstance(value, str) and value.isascii():
        return value
    if isinstance(value, dict):  # ServiceDesk Plus writes {"name": …} or {"display_value": …} for most fields
        value = next(
            (value[key] for key in ("email_id", "email", "name", "value", "display_value") if value.get(key)), ""
        )
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    # A lone surrogate, which JSON can escape, is not a character and can't be stored.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# Of a template that was not filled in: `$RequestId`, `${account.name}`, `$$ID$$`, `{{account}}`, `%ID%`, our `<id>`.
_VARIABLE: Final = re.compile(
    r"\${1,2}\{?[A-Za-z][\w. ]*\}?\$*|\{\{[^{}]*\}\}|%[A-Za-z][\w. ]*%|<[\w. ]+>|null|undefined", re.IGNORECASE
)
_MAX_VARIABLE_CHARS: Final = 200
_INVISIBLE: Final = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SECOND: Final = re.compile(r"\d:\d\d:\d\d|\dT\d{6}|\d{10}")


def _is_variable(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    told = value.strip()
    return len(told) <= _MAX_VARIABLE_CHARS and _VARIABLE.fullmatch(told) is not None


def _named_tenant(value: Any) -> Any:
    """An empty text and a variable name no tenant: then the header has to."""
    return None if _is_variable(value) or value == "" else value


def _account(value: Any) -> AccountRef:
    """The account that *value* names. A variable of a template names none: the ticket is read then."""
    if isinstance(value, dict):
        value = {key: None if _is_variable(each) else each for key, each in value.items()}
    if isinstance(value, str) and value.lstrip().startswith("{"):  # an object that a template pasted in as text
        with suppress(NotJson):
            return _account(read_json(value.encode("utf-8", "replace")))
    if isinstance(value, float) and value.is_integer() and abs(value) < _FIRST_INEXACT:
        value = int(value)
    return AccountRef() if _is_variable(value) else AccountRef.parse(value)


TicketId = Annotated[
    str, BeforeValidator(_id_text), Field(min_length=1, max_length=MAX_TICKET_ID_CHARS, pattern=r"^[0-9A-Za-z_-]+$")
]
EventName = Annotated[Event, BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)]
"""Also in capitals, as another template writes it."""
TenantId = Annotated[UUID | None, BeforeValidator(_named_tenant)]
Hint = Annotated[str, BeforeValidator(_loose_text)]


class Webhook(BaseModel, frozen=True, extra="allow"):
    """The body of a webhook. `event` and `ticket_id` are required; other fields are hints. Unknown fields are kept."""

    event: EventName = Field(examples=["ticket_created"])
    ticket_id: TicketId = Field(examples=["100234"])
    tenant_id: TenantId = None
    subject: Hint = ""
    description: Hint = ""
    priority: Hint = ""
    requester: Hint = ""
    created_at: Hint = ""
    updated_at: Hint = ""
    account: Annotated[AccountRef, BeforeValidator(_account)] = AccountRef()
    """In a shared instance: the ticket's account as the sender names it, by id, name or both."""
    updated_by: Hint = ""
    """Who caused the event. Events that our own technician caused lead to no note."""

    def is_caused_by(self, technician: str) -> bool:
        """Whether *technician*, by whom we post, caused the event."""
        return bool(self.updated_by) and self.updated_by.strip().casefold() == technician.strip().casefold()

    def body_without_words(self, *, technician: str) -> bytes:
        """A body with what an attempt needs that reads the ticket itself, and with no word of the ticket.

        For a shared help desk: whose the ticket is shows only when it is read, whatever the sender says.
        """
        kept = {"event": self.event.value, "ticket_id": self.ticket_id}
        if self.is_caused_by(technician):
            kept["updated_by"] = technician
        return json.dumps(kept).encode()

    @property
    def ticket(self) -> Ticket | None:
        """The ticket as far as the body has it; None when it has neither subject nor description."""
        subject, description = plain_text(self.subject, max_chars=1000), plain_text(self.description)
        if not (subject or description):
            return None
        return Ticket(
            id=self.ticket_id,
            subject=subject,
            description=description,
            requester=tidy(self.requester, max_chars=254),
            priority=tidy(self.priority, max_chars=100),
            created_at=parse_time(self.created_at),
            updated_at=parse_time(self.updated_at),
        )


class _Claimed(BaseModel, extra="ignore"):
    """As much of a body as names its tenant."""

    tenant_id: TenantId = None


_Body = TypeVar("_Body", bound=BaseModel)

# As Python prints a dictionary, as JavaScript and people write one, or with the quotes of a word processor or of HTML.
_UNQUOTED: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*+(?:\[\s*+)?\{\s*+(?:'|&(?:quot|#)|[A-Za-z_]|\xe2\x80)")
_WANTS_QUOTES: Final = (
    "Keys and texts stand in plain double quotes, as json.dumps (Python), JSON.stringify (JavaScript) and toString()"
    " of a map (Deluge) write them; "
)
_PASTED: Final = "Where a template pastes texts in, a quote in one of them ends it: leave the description out; "


def claimed_tenant(body: bytes) -> UUID | None:
    """The tenant id in *body*, which is in UTF-8; None when it has none or can't be read."""
    try:
        return _read(_Claimed, body).tenant_id
    except (NotJson, ValidationError):
        return None


def is_of_sync(body: bytes) -> bool:
    """Whether the sync made the delivery with this *body*, in which it wrote `OF_SYNC`. Nothing is parsed for it."""
    return _OF_SYNC_BYTES in body


def parse_webhook(body: bytes) -> Webhook:
    """The webhook that *body*, in UTF-8, holds.

    Raises:
        MalformedDelivery: Not JSON, not an object, or a field is missing or wrong; names the field.
    """
    try:
        return _read(Webhook, body)
    except NotJson as error:
        hint = _WANTS_QUOTES if _UNQUOTED.match(body) else _PASTED if body.strip() else ""
        told = f'body: {error}. {hint}{{"event": …, "ticket_id": …}} is enough.'
        raise MalformedDelivery(told, field="body") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise MalformedDelivery(f"{field}: {_explain(field, first['type'], first['msg'])}", field=field) from None


def _read(model: type[_Body], body: bytes) -> _Body:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] != "json_invalid":
            raise
    return model.model_validate(read_json(body))


_WANTED: Final = {
    "event": "must be one of " + ", ".join(Event),
    "ticket_id": f"must be 1 to {MAX_TICKET_ID_CHARS} letters, digits, '-' or '_', e.g. 100234",
    "tenant_id": "must be the tenant's id as in its file, a UUID",
}


def _explain(field: str, kind: str, message: str) -> str:
    if kind in {"model_type", "model_attributes_type"}:
        return 'must be a JSON object, e.g. {"event": "ticket_created", "ticket_id": "100234"}'
    if kind == "missing":
        return "is required"
    for told in (_UNFILLED, _ROUNDED):
        if message.endswith(told):
            return told
    return _WANTED.get(field, message)


def check_wanted(webhook: Webhook, *, events: frozenset[Event], technician: str) -> None:
    """Raise if *webhook* needs no note, as far as its own fields say.

    *technician* is the account by which we post: our own note causes an event, which must not cause another note.

    Raises:
        NotNeeded: The tenant wants no note for this event, or our technician caused it.
    """
    if webhook.is_caused_by(technician):
        raise NotNeeded("our own technician caused this event", code=Code.OWN_EVENT)
    if webhook.event not in events:
        feeds = "; it feeds the history" if webhook.event is Event.RESOLVED else ""
        raise NotNeeded(f"{webhook.event} leads to no note for this tenant{feeds}", code=Code.EVENT_NOT_WANTED)


_NOBODY_WAITS: Final = {
    Code.TICKET_EMPTY: "the ticket has no words",
    Code.AUTOMATIC_REPLY: "the ticket is an automatic reply",
    Code.ALL_CLEAR: "the ticket is a program's message that all is well, or that somebody took it on",
    Code.ONLY_THANKS: "the ticket is a reply that only thanks or says that all is well",
    Code.UNDELIVERED_MAIL: "the ticket is a report that a mail was not delivered",
    Code.TAGGED_AS_SPAM: "a mail filter marked the ticket's mail as spam",
}


def check_still_wanted(ticket: Ticket, *, is_closed_wanted: bool) -> None:
    """Raise if *ticket*, as it is now, needs no note any more.

    Raises:
        NotNeeded: It was deleted, merged or closed, has no words, or no person wrote it.
    """
    if ticket.fate is Fate.TRASHED:
        raise NotNeeded("the ticket is in the trash", code=Code.TICKET_TRASHED)
    if ticket.fate is Fate.MERGED:
        raise NotNeeded("the ticket was merged into another one", code=Code.TICKET_MERGED)
    if ticket.fate is Fate.CLOSED and not is_closed_wanted:
        raise NotNeeded("the ticket was closed before its turn", code=Code.TICKET_CLOSED)
    if code := find_automatic(ticket):
        raise NotNeeded(_NOBODY_WAITS[code], code=code)


def parse_time(value: str) -> datetime | None:
    """A time in ISO 8601 or epoch milliseconds, as UTC; None when it is neither."""
    try:
        if value.isascii() and value.isdigit():
            return datetime.fromtimestamp(int(value) / 1000, tz=UTC)
        time = datetime.fromisoformat(value)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def compute_job_id(tenant_id: UUID, webhook: Webhook, *, signed_id: str | None) -> UUID:
    """The delivery's id: the same for each redelivery of one webhook, random where the webhook has no key.

    *signed_id* is the header `webhook-id` where a signature of Standard Webhooks covers it.

    A hash of the body can't serve as the key: two different updates within one second may have equal bodies.
    """
    if signed_id is not None:
        key = f"webhook-id:{signed_id}"
    elif webhook.event is Event.CREATED:
        key = f"created:{webhook.ticket_id}"
    elif _SECOND.search(webhook.updated_at):  # two updates may have one date, one minute or one unfilled variable
        key = f"{webhook.event}:{webhook.ticket_id}:{webhook.updated_at}"
    else:
        return uuid4()
    return uuid5(tenant_id, key)
