"""How a ServiceDesk Plus is reached, and whether it is one tenant's own or shared by clients of an MSP.

In the MSP editions one *instance* serves many clients, each an *account* of it. What one technician's key reads there
is of all accounts, so nothing may be trusted to a filter: `core.accounts` decides for each ticket, article and asset.

Invariant: two accounts of one instance that `can_be_told_apart` never fit the same row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from urllib.parse import unquote, urlsplit
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from app.core.ip import read_ip
from app.core.reading.normal import normalized

_MAX_URL_CHARS: Final = 500
# What every reader of URLs understands alike: no blank, control character or backslash, on which parsers disagree.
_URL: Final = re.compile(
    r"https?://(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z](?:[0-9A-Za-z._-]*[0-9A-Za-z])?)(?::[0-9]{1,5})?(?:/[!-\[\]-~]*)?"
)
_NUMBER: Final = re.compile(r"(?:[0-9]+|0[xX][0-9a-fA-F]*)\Z")
PLAIN_HTTP: Final = (
    "must begin with https://: over http the tenant's credentials and tickets travel readable. Plain http is for a"
    " private network alone, with servicedesk.allow_private_address: true"
)


BLANK_END: Final = "must begin and end without a space: remove it"


def _is_web_address(url: str) -> str:
    if url != url.strip():
        raise ValueError(BLANK_END)
    wanted = "must be an http or https URL with a host, e.g. https://sdp.acme.example"
    try:
        parts = urlsplit(url)
        is_port_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(wanted) from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must hold no user, password, query or fragment; credentials are files of the tenant's secret")
    if not parts.netloc.isascii():
        # Letters look alike, and two spellings of one help desk must not pass for two.
        raise ValueError("must write its host in ASCII, as a browser's address bar copies it: https://xn--….example")
    if not is_port_fine or len(url) > _MAX_URL_CHARS or not _URL.fullmatch(url):
        raise ValueError(wanted)
    host = parts.hostname or ""
    if ":" not in host and _NUMBER.match(host.rpartition(".")[2]) and read_ip(host) is None:
        # Resolvers take 127.1 and 0x7f000001 for addresses too, each in its own way.
        raise ValueError("must hold an address as four numbers, e.g. https://192.0.2.10")
    return url.rstrip("/")


def _same_address(url: str) -> str:
    """*url* in the one form that all ways to write it have in common: host, port and path.

    `http://SDP.acme.example:80//Desk/./api/v3/` and `https://sdp.acme.example/desk` are one: `sdp.acme.example/desk`.
    A scheme and its default port don't tell two help desks apart, nor does what web servers leave out of a path.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if (address := read_ip(host)) is not None:
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


def is_plain(url: str | None) -> bool:
    """Whether *url* is plain http, so that what is sent to it can be read on the way."""
    return url is not None and url.startswith("http://")


WebAddress = Annotated[str, AfterValidator(_is_web_address)]


class Edition(StrEnum):
    CLOUD = "cloud"
    ON_PREMISES = "on_premises"
    MSP_CLOUD = "msp_cloud"
    MSP_ON_PREMISES = "msp_on_premises"

    @property
    def is_cloud(self) -> bool:
        """A cloud edition: OAuth, and ids differ from display ids."""
        return self in {Edition.CLOUD, Edition.MSP_CLOUD}

    @property
    def is_msp(self) -> bool:
        """Whether one instance serves several accounts."""
        return self in {Edition.MSP_CLOUD, Edition.MSP_ON_PREMISES}


class Part(BaseModel):
    """A part of a tenant's file. An unknown key is an error and is not ignored."""

    # Built when it is first used: most are parts of another one alone, which builds them anew.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


Instructions = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000)]
"""House rules for the model: trusted text, since whoever may merge into the tenants' repository wrote it."""


@dataclass(frozen=True, slots=True)
class AccountRef:
    """The account that a ticket, article or asset names; `AccountRef()` if it names none."""

    id: str = ""
    name: str = ""
    is_unclear: bool = False
    """It names something that can't be read, or several where one is meant: it is nobody's, and not without account."""

    @property
    def label(self) -> str:
        """For a person: `601 (Acme Corp)`."""
        return f"{self.id} ({self.name})" if self.id and self.name and self.id != self.name else self.id or self.name

    @classmethod
    def of_label(cls, label: str) -> AccountRef:
        parts = re.fullmatch(r"(\S+) \((.+)\)", label)
        return cls(parts[1], parts[2]) if parts else cls(label, label)

    @classmethod
    def parse(cls, value: object) -> AccountRef:
        """The account in *value*: an object with `id` and `name`, or only one of the two, as text or number."""
        if isinstance(value, dict):
            names = (_line(value.get(key)) for key in ("name", "display_value", "value"))
            told = cls(_line(value.get("id")), next(filter(None, names), ""))
            is_empty = all(each in _NOTHING for each in value.values())
        else:
            bare = _line(value)  # it may be an id or a name
            told, is_empty = cls(bare, bare), value in _NOTHING or (isinstance(value, str) and not value.strip())
        return told if told.label or is_empty else cls(is_unclear=True)

    def agrees(self, other: AccountRef) -> bool:
        """Whether both name one account."""
        if self.id and self.id == other.id:
            return True
        # A bare value stands in both fields, and may be a name.
        are_ids = all(each.id and each.id != each.name for each in (self, other))
        return bool(self.name) and self.name == other.name and not are_ids


_NOTHING: Final[tuple[object, ...]] = (None, "", [], {})
_MAX_ACCOUNT_CHARS: Final = 200


def _line(value: object) -> str:
    """*value* on one line; empty if it is neither text nor number, or can't be kept as it is."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = same_name(str(value))
    can_be_stored = "\x00" not in text and text == text.encode("utf-8", "replace").decode()
    # A part of a longer name would be another name.
    return text if can_be_stored and len(text) <= _MAX_ACCOUNT_CHARS else ""


def _id_text(value: Any) -> Any:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else value


_Id = Annotated[str, BeforeValidator(_id_text), Field(min_length=1, max_length=64)]


class Account(Part):
    """A client of an MSP's instance: the account (on premises) or customer (cloud) that a tenant is."""

    id: _Id | None = None
    name: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_MAX_ACCOUNT_CHARS)] | None
    ) = None
    site_ids: tuple[_Id, ...] = ()
    """The ids of its sites, for assets that name a site and no account."""

    @model_validator(mode="after")
    def _is_named(self) -> Account:
        if self.id is None and self.name is None:
            raise ValueError('needs an id, or a name where the instance tells none, e.g. account: {id: "601"}')
        return self

    @property
    def label(self) -> str:
        """For a person: `601 (Acme Corp)`."""
        return AccountRef(self.id or "", self.name or "").label

    def is_same(self, other: Account) -> bool:
        """Whether this is surely the account *other*: by two ids, or by two names where one of them has no id."""
        if self.id is not None and other.id is not None:
            return self.id == other.id
        return self.name is not None and other.name is not None and same_name(self.name) == same_name(other.name)

    def can_be_told_apart(self, other: Account) -> bool:
        """Whether no row can fit both: by two ids that differ, or by two names that nobody takes for one."""
        if not set(self.site_ids).isdisjoint(other.site_ids):
            return False
        if self.id is not None and other.id is not None:
            return self.id != other.id
        if self.id is None and other.id is None:
            return similar_name(self.name or "") != similar_name(other.name or "")
        return False


def same_name(name: str) -> str:
    """*name* in one form of Unicode, with single blanks. Names that differ in this form are of different accounts."""
    return normalized("NFC", " ".join(name.split()))


def similar_name(name: str) -> str:
    """*name* in the one form that it has in common with those that a person may take it for: Straße and STRASSE."""
    return normalized("NFKC", same_name(name).casefold())


_PATH: Final = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*){0,4}$"
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_OUR_HEADERS: Final = frozenset({"accept", "authorization", "authtoken", "content-length", "content-type", "host"})


class HelpDeskOptions(Part):
    """How a ServiceDesk Plus is reached."""

    edition: Edition
    url: Annotated[WebAddress, AfterValidator(lambda url: url.removesuffix("/api/v3"))]
    """`https://host[:port]` on premises, `https://<domain>/app/<portal>` in the cloud. Its `/api/v3` is taken off."""
    accounts_url: WebAddress | None = None
    technician: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254)]
    """Our technician's e-mail address or name: what it does causes no enhancement."""
    note_key: Literal["note", "request_note"] = "note"
    calls_per_minute: int = Field(default=30, ge=1, le=6000)
    account_field: Annotated[str, Field(pattern=_PATH)] | None = None
    """The path to the account in a ticket, article or asset; None: that of the edition."""
    articles_without_account: Literal["drop", "all"] = "drop"
    """What to do with an article that names no account: leave it out, or use it for all accounts."""
    asset_page: Annotated[str, Field(pattern=r"^(?:|/[!-~]*\{id\}[!-~]*)$", max_length=200)] | None = None
    """Where below `url` an asset's page is, with `{id}`; empty: it has none. None: where the edition has it."""
    headers: dict[str, str] = Field(default={}, max_length=10)
    """Headers for each call, e.g. `PORTALID`."""
    allow_private_address: bool = False

    @property
    def address(self) -> str:
        """Which help desk this is, however its URL is written. Two tenants with one address would see one another."""
        return _same_address(self.url)

    @property
    def account_fields(self) -> tuple[str, ...]:
        """The fields in which a row may name its account; what stands in several must agree.

        The field of the on-premises edition is known from other modules of the API. The cloud edition calls accounts
        customers, and does not document the name of the field.
        """
        if self.account_field is not None:
            return (self.account_field,)
        return ("customer", "account") if self.edition is Edition.MSP_CLOUD else ("account",)

    @model_validator(mode="before")
    @classmethod
    def _default_note_key(cls, values: object) -> object:
        is_cloud = isinstance(values, dict) and values.get("edition") in [Edition.CLOUD, Edition.MSP_CLOUD]
        if isinstance(values, dict) and "note_key" not in values and is_cloud:
            return {**values, "note_key": "request_note"}
        return values

    @model_validator(mode="after")
    def _cloud_needs_accounts(self) -> HelpDeskOptions:
        if self.edition.is_cloud and self.accounts_url is None:
            raise ValueError(f"accounts_url is required for edition {self.edition}, e.g. https://accounts.zoho.com")
        return self

    @model_validator(mode="after")
    def _http_needs_a_private_network(self) -> HelpDeskOptions:
        for name in ("url", "accounts_url"):
            if is_plain(getattr(self, name)) and not self.allow_private_address:
                raise ValueError(f"{name} {PLAIN_HTTP}")
        return self

    @model_validator(mode="after")
    def _headers_can_be_sent(self) -> HelpDeskOptions:
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name) or name.lower() in _OUR_HEADERS:
                raise ValueError(f"headers.{name[:64]} can't be set: letters, digits and '-', and none that we send")
            if len(value) > 1000 or not (value.isascii() and value.isprintable()):  # noqa: PLR2004 - a header's length
                raise ValueError(f"headers.{name} must be one line of ASCII text")
        return self


class ServiceDeskOptions(HelpDeskOptions):
    """The ServiceDesk Plus of one tenant: its own, or an account of a shared instance."""

    instance: str | None = None
    """The name of the shared instance, whose file has everything but the account."""
    instance_id: UUID | None = None
    account: Account | None = None
    """None for a tenant with its own help desk, and for the instance itself."""
    instructions: Instructions = ""
    """The house rules of the instance, which hold for all its accounts."""

    @model_validator(mode="after")
    def _account_needs_an_instance(self) -> ServiceDeskOptions:
        if self.instance is None and (self.account is not None or self.instance_id is not None):
            raise ValueError("account needs an instance: describe the shared help desk in instances/<name>.yaml")
        if self.instance is None and self.instructions:
            raise ValueError("instructions belong under note")
        return self
