"""A tenant as its file describes it.

Invariant: a `Tenant` is valid as a whole or does not exist; an unknown key in its file is an error, not a silence.
"""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import IPv4Address, ip_address
from typing import Annotated, Final, Literal
from urllib.parse import unquote, urlsplit
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from app.core.delivery import Event

SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$"

_MAX_URL_CHARS: Final = 500
# What every reader of URLs understands alike: no blank, control character or backslash, on which parsers disagree.
_URL: Final = re.compile(
    r"https?://(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z](?:[0-9A-Za-z._-]*[0-9A-Za-z])?)(?::[0-9]{1,5})?(?:/[!-\[\]-~]*)?"
)
_NUMBER: Final = re.compile(r"(?:[0-9]+|0[xX][0-9a-fA-F]*)\Z")
_PLAIN_HTTP: Final = (
    "must begin with https://: over http the tenant's credentials and tickets travel readable. Plain http is for a"
    " private network alone, with servicedesk.allow_private_address: true"
)


def _is_web_address(url: str) -> str:
    wanted = "must be an http or https URL with a host, e.g. https://sdp.acme.example"
    try:
        parts = urlsplit(url)
        is_port_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(wanted) from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must hold no user, password, query or fragment; credentials are files of the tenant's secret")
    if not is_port_fine or len(url) > _MAX_URL_CHARS or not _URL.fullmatch(url):
        raise ValueError(wanted)
    host = parts.hostname or ""
    if ":" not in host and _NUMBER.match(host.rpartition(".")[2]) and not _is_ipv4(host):
        # Resolvers take 127.1 and 0x7f000001 for addresses too, each in its own way.
        raise ValueError("must hold an address as four numbers, e.g. https://192.0.2.10")
    return url.rstrip("/")


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def _same_address(url: str) -> str:
    """*url* in the one form that all ways to write it have in common: host, port and path.

    `http://SDP.acme.example:80//Desk/./api/v3/` and `https://sdp.acme.example/desk` are one: `sdp.acme.example/desk`.
    A scheme and its default port don't tell two help desks apart, nor does what web servers leave out of a path.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        pass
    else:
        address = getattr(address, "ipv4_mapped", None) or address
        host = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - the protocol's number
    port = "" if parts.port in {None, 80, 443} else f":{parts.port}"
    # Web servers leave out what follows a semicolon (RFC 3986, section 3.3).
    names = [segment.partition(";")[0] for segment in unquote(parts.path).casefold().split("/")]
    path: list[str] = []
    for name in names:
        if name == "..":
            del path[-1:]
        elif name not in {"", "."}:
            path.append(name)
    if path[-2:] == ["api", "v3"]:
        del path[-2:]
    return "/".join([host + port, *path])


def _is_plain(url: str | None) -> bool:
    return url is not None and url.startswith("http://")


WebAddress = Annotated[str, AfterValidator(_is_web_address)]


class Edition(StrEnum):
    CLOUD = "cloud"
    ON_PREMISES = "on_premises"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServiceDeskOptions(_Part):
    """How the tenant's ServiceDesk Plus is reached."""

    edition: Edition
    url: WebAddress
    """Without `/api/v3`: `https://host[:port]` on premises, `https://<domain>/app/<portal>` in the cloud."""
    accounts_url: WebAddress | None = None
    technician: str = Field(min_length=1, max_length=254)
    """Our technician's e-mail address or name: what it does causes no enhancement."""
    note_key: Literal["note", "request_note"] = "note"
    calls_per_minute: int = Field(default=30, ge=1, le=6000)
    allow_private_address: bool = False

    @property
    def address(self) -> str:
        """Which help desk this is, however its URL is written. Two tenants with one address would see one another."""
        return _same_address(self.url)

    @model_validator(mode="before")
    @classmethod
    def _default_note_key(cls, values: object) -> object:
        if isinstance(values, dict) and "note_key" not in values and values.get("edition") == Edition.CLOUD:
            return {**values, "note_key": "request_note"}
        return values

    @model_validator(mode="after")
    def _cloud_needs_accounts(self) -> ServiceDeskOptions:
        if self.edition is Edition.CLOUD and self.accounts_url is None:
            raise ValueError("accounts_url is required for edition cloud, e.g. https://accounts.zoho.com")
        return self

    @model_validator(mode="after")
    def _http_needs_a_private_network(self) -> ServiceDeskOptions:
        for name in ("url", "accounts_url"):
            if _is_plain(getattr(self, name)) and not self.allow_private_address:
                raise ValueError(f"{name} {_PLAIN_HTTP}")
        return self


class Auth(StrEnum):
    HMAC = "hmac"
    TOKEN = "token"  # noqa: S105


class WebhookOptions(_Part):
    auth: Auth = Auth.HMAC


Section = Literal["summary", "similar_tickets", "knowledge", "assets", "monitoring", "next_steps"]
Language = Literal["en", "de", "fr", "es"]


class NoteOptions(_Part):
    """How a note looks and whom it may reach. Every flag is off unless the file turns it on."""

    show_to_requester: bool = False
    notify_technician: bool = False
    mark_first_response: bool = False
    add_to_linked_requests: bool = False
    show_contacts: bool = False
    """Put e-mail addresses and phone numbers of sources and requester back into the note, in place of `[email-1]`."""
    feedback_link: bool = True
    """Whether the note asks if it helped, where the installation has a page for that (FEEDBACK_URL)."""
    when_closed: Literal["silent", "note"] = "silent"
    """What a ticket gets that was resolved or closed before its turn."""
    language: Language = "en"
    max_words: int = Field(default=500, ge=100, le=500)
    sections: tuple[Section, ...] = Field(
        default=("summary", "similar_tickets", "knowledge", "assets", "monitoring", "next_steps"), min_length=1
    )


class ModelOptions(_Part):
    name: str | None = None
    """None: the model of `OPENAI_MODEL`."""
    monthly_token_budget: int | None = Field(default=None, ge=1)
    """None: no limit. Once a calendar month (UTC) has used it up, notes hold the gathered context alone."""


class MonitoringOptions(_Part):
    prometheus_url: WebAddress


_MOST_SLOTS: Final = 10
# A usual ticket needs two calls. More deliveries at once would only wait for the limiter of calls.
_CALLS_A_SLOT: Final = 6


class LimitOptions(_Part):
    """What one tenant may take of the workers that all share."""

    concurrency: int | None = Field(default=None, ge=1, le=256)
    """Deliveries in work at once, over all workers. None: one for six `calls_per_minute`, from 1 to 10."""


class Tenant(_Part):
    """One MSP customer, whose data stays apart."""

    id: UUID
    slug: str = Field(pattern=SLUG_PATTERN)
    name: str = Field(min_length=1, max_length=200)
    status: Literal["active", "suspended"] = "active"
    servicedesk: ServiceDeskOptions
    webhook: WebhookOptions = WebhookOptions()
    events: frozenset[Event] = frozenset({Event.CREATED})
    """The events that lead to a note."""
    note: NoteOptions = NoteOptions()
    model: ModelOptions = ModelOptions()
    monitoring: MonitoringOptions | None = None
    limits: LimitOptions = LimitOptions()

    @property
    def slots(self) -> int:
        """Deliveries of this tenant that may be in work at once, over all workers."""
        return self.limits.concurrency or max(1, min(_MOST_SLOTS, self.servicedesk.calls_per_minute // _CALLS_A_SLOT))

    @model_validator(mode="after")
    def _http_needs_a_private_network(self) -> Tenant:
        url = self.monitoring.prometheus_url if self.monitoring else None
        if _is_plain(url) and not self.servicedesk.allow_private_address:
            raise ValueError(f"monitoring.prometheus_url {_PLAIN_HTTP}")
        return self

    @property
    def is_suspended(self) -> bool:
        return self.status == "suspended"
