"""A tenant as its file describes it.

Invariant: a `Tenant` exists only if its whole file is valid. An unknown key is an error and is not ignored.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal, Self, TypeVar
from urllib.parse import quote
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from app.core.article import FILE_MARK
from app.core.delivery import Event
from app.core.help_desk import (
    PLAIN_HTTP,
    HelpDeskOptions,
    Instructions,
    Part,
    ServiceDeskOptions,
    WebAddress,
    is_plain,
)
from app.core.price import BudgetKind, Price
from app.core.triage import TicketField

_Name = TypeVar("_Name", bound=str)

EVERY_TENANT: Final = UUID(int=0)
"""Under this id stands in the database what is of all tenants; e.g. a pause under it holds all of them."""
SLUG_PATTERN: Final = r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$"
SLUG_WORDS: Final = "must be lower-case letters, digits and '-', at most 40, e.g. acme-corp"


def _is_slug(value: str) -> str:
    if not re.fullmatch(SLUG_PATTERN, value):
        raise ValueError(f"{SLUG_WORDS}, and so must be the name of the file")
    return value


Slug = Annotated[str, AfterValidator(_is_slug)]


def _is_of_one(value: UUID) -> UUID:
    if value == EVERY_TENANT:
        raise ValueError(f"must not be {value}, which stands for every tenant: give it an id of its own")
    return value


TenantId = Annotated[UUID, AfterValidator(_is_of_one)]


class Auth(StrEnum):
    HMAC = "hmac"
    TOKEN = "token"  # noqa: S105


class WebhookOptions(Part):
    auth: Auth = Auth.HMAC


def _each_once(values: tuple[_Name, ...]) -> tuple[_Name, ...]:
    return tuple(dict.fromkeys(values))


Section = Literal["summary", "similar_tickets", "knowledge", "assets", "documentation", "monitoring", "next_steps"]
Language = Literal["en", "de", "fr", "es"]


_TEXTS_SHARE: Final = 0.46
_CLOSING_SHARE: Final = 0.6


class NoteOptions(Part):
    """How a note looks and who may see it. A flag is off unless the file turns it on."""

    mode: Literal["post", "shadow"] = "post"
    """`shadow`: a note is written and stored, and nothing is sent to the help desk."""
    show_to_requester: bool = False
    notify_technician: bool = False
    mark_first_response: bool = False
    add_to_linked_requests: bool = False
    show_contacts: bool = False
    """Put e-mail addresses and phone numbers of sources and requester back into the note, in place of `[email-1]`."""
    feedback_link: bool = True
    """Whether the note asks if it helped, where the installation has a page for that (FEEDBACK_URL)."""
    when_closed: Literal["silent", "note"] = "silent"
    """What a ticket gets that was resolved or closed before a worker reached it."""
    when_nothing: Literal["short", "silent"] = "short"
    """What a ticket gets for which nothing fits: a note of one sentence, or none."""
    instructions: Instructions = ""
    """House rules, e.g. what a drive letter is or what must never be restarted."""
    language: Language = "en"
    max_words: int = Field(default=150, ge=60, le=500)
    """Of the whole note, headings and footer included."""
    sections: Annotated[tuple[Section, ...], AfterValidator(_each_once)] = Field(
        default=("summary", "next_steps", "similar_tickets", "knowledge", "assets", "documentation", "monitoring"),
        min_length=1,
    )
    """What a note shows, in this order. What the sources say follows the summary, or the next steps right after it."""

    @property
    def is_shadow(self) -> bool:
        return self.mode == "shadow"

    @property
    def max_text_words(self) -> int:
        """Of `max_words` what the model's texts may take together; the rest is for headings, sources and footer."""
        return int(self.max_words * _TEXTS_SHARE)

    @property
    def max_closing_words(self) -> int:
        """The same of the draft of a resolved ticket, which lists the titles of articles alone."""
        return int(self.max_words * _CLOSING_SHARE)


class StormOptions(Part):
    """What is done when several people report one problem within some minutes."""

    find: bool = True
    """Whether it is looked for."""
    window_minutes: int = Field(default=60, ge=5, le=1440)
    """Two reports are of one storm if no more than this lies between them."""
    collect_from: int = Field(default=5, ge=3, le=100)
    """From this many reports on the first ticket has one note about all, and each further ticket one line."""

    @property
    def window(self) -> timedelta:
        return timedelta(minutes=self.window_minutes)


class KnowledgeOptions(Part):
    """Articles that stand in Git and not in the help desk."""

    url: WebAddress | None = None
    """Where a browser shows the folder's files: a link is this and the file's path. None: they have no link."""

    def file_url(self, article_id: str) -> str:
        """The page of the article that is a file; empty if it has none."""
        path = quote(article_id.removeprefix(FILE_MARK))
        return f"{self.url.rstrip('/')}/{path}" if self.url else ""


class ClosingOptions(Part):
    """What is done when a ticket was resolved, beside learning from it."""

    draft: bool = False
    """Whether a note drafts how it was solved, and an article where none covers it."""


class TriageOptions(Part):
    """Fields that resolved tickets suggest for a new one."""

    suggest: Annotated[tuple[TicketField, ...], AfterValidator(_each_once)] = tuple(TicketField)
    """Shown in the note."""
    write: Annotated[tuple[TicketField, ...], AfterValidator(_each_once)] = ()
    """Also written to the ticket, where it has none."""

    @model_validator(mode="after")
    def _writes_what_it_suggests(self) -> TriageOptions:
        if silent := sorted(set(self.write) - set(self.suggest)):
            raise ValueError(
                f"write names {', '.join(silent)}, which suggest does not: a note must say what is written"
            )
        return self


_ModelName = Annotated[str, StringConstraints(max_length=200)]
"""It is a label of metrics, and part of a key in the database."""


class ModelOptions(Part):
    name: _ModelName | None = None
    """None: the model of `OPENAI_MODEL`."""
    base_url: WebAddress | None = None
    """The client's own endpoint, called with the client's own key. None: the one that tenants share."""
    judge: _ModelName | None = None
    """None: the model of `OPENAI_JUDGE_MODEL`, at the endpoint that tenants share; none at the client's own."""
    context_tokens: int | None = Field(default=None, ge=4_000, le=10_000_000)
    """Of the model's context, where its server cuts a longer prompt off without a word. None: `LLM_CONTEXT_TOKENS` at
    the endpoint that tenants share; else what the server tells."""
    price: Price | None = None
    """What a million tokens cost here. None: the price of `MODEL_PRICES`, or the vendor's list price."""
    monthly_token_budget: int | None = Field(default=None, ge=1)
    """None: no limit. Once a calendar month (UTC) has used it up, notes hold the gathered context alone."""
    daily_token_budget: int | None = Field(default=None, ge=1)
    monthly_budget_usd: float | None = Field(default=None, gt=0, le=1_000_000)
    daily_budget_usd: float | None = Field(default=None, gt=0, le=1_000_000)

    @property
    def has_budget(self) -> bool:
        return any(getattr(self, kind) is not None for kind in BudgetKind)

    @property
    def has_own_key(self) -> bool:
        """Whether the client pays for its model itself, by a key of its own."""
        return self.base_url is not None

    def judge_beside(self, shared: str | None) -> str | None:
        """The model that gives second opinions; *shared* is that of the endpoint that tenants share."""
        return self.judge or (None if self.has_own_key else shared)

    @model_validator(mode="after")
    def _own_endpoint_has_a_model(self) -> ModelOptions:
        if self.base_url is not None and self.name is None:
            raise ValueError("name is required beside base_url: OPENAI_MODEL is of the shared endpoint")
        return self


_HEADERS_OF_OURS: Final = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "cookie", "host", "last-event-id"}
    | {"mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id", "transfer-encoding", "user-agent"}
)


class Login(Part):
    """How a server that the tenant's file names gets its credential, a secret of the tenant."""

    auth: Literal["bearer", "basic", "header", "none"]
    """none: the server wants no credential."""
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")] | None = None
    """With `auth: header` the one that holds the secret as it is."""

    @property
    def needs_token(self) -> bool:
        return self.auth != "none"

    @model_validator(mode="after")
    def _header_is_named_where_it_is_needed(self) -> Self:
        if (self.auth == "header") is (self.header is None):
            raise ValueError("header goes with auth: header, and is required there")
        if self.header is not None and self.header.lower() in _HEADERS_OF_OURS:
            raise ValueError(f"header can't be {self.header}: the protocol uses it")
        return self


class MonitoringOptions(Login):
    """A Prometheus, or what answers like one. Its credential is the secret `monitoring_token`."""

    prometheus_url: WebAddress
    auth: Literal["bearer", "basic", "header", "none"] = "none"


class DocumentationTool(Part):
    """A tool of the server that may be called, and how a query is put to it."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./-]{1,128}$")]
    argument: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = "query"
    """The one that takes the words to look for."""
    arguments: dict[str, bool | int | float | str | tuple[str, ...]] = Field(default_factory=dict, max_length=20)
    """Further ones, the same in each call, e.g. the client's number at a server that knows all clients."""
    read_only: bool = False
    """Our own word that it changes nothing, where the server does not say whether it does."""

    @model_validator(mode="after")
    def _argument_is_free(self) -> DocumentationTool:
        if self.argument in self.arguments:
            raise ValueError(f"arguments names {self.argument}, which takes the words to look for")
        return self


class DocumentationOptions(Login):
    """A server of the Model Context Protocol that is asked what the client's documentation says.

    Its credential is the secret `documentation_token`.
    """

    url: WebAddress
    tools: tuple[DocumentationTool, ...] = Field(min_length=1, max_length=3)
    auth: Literal["bearer", "basic", "header", "none"] = "bearer"
    trusted: bool = False
    """Whether all that may write there are the client's or our own staff, so that a note may repeat its text."""
    pages: tuple[WebAddress, ...] = Field(default=(), max_length=10)
    """Where documents have their pages, beside the server's own address: links to others are left out."""
    timeout_seconds: float = Field(default=8, ge=1, le=30)
    """For all that one delivery asks."""
    max_kib: int = Field(default=512, ge=16, le=4096)
    """Of each answer."""


_MOST_SLOTS: Final = 10
# A usual ticket needs two calls. More deliveries at once would only wait for the limiter of calls.
_CALLS_A_SLOT: Final = 6


class LimitOptions(Part):
    """How much of the workers, which all tenants share, one tenant may use."""

    concurrency: int | None = Field(default=None, ge=1, le=256)
    """Deliveries in work at once, over all workers. None: one for each six `calls_per_minute`, from 1 to 10."""


class Tenant(Part):
    """One client of the MSP. Its data is kept apart from that of other tenants."""

    id: TenantId
    slug: Slug
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    status: Literal["active", "suspended"] = "active"
    servicedesk: ServiceDeskOptions
    webhook: WebhookOptions = WebhookOptions()
    events: frozenset[Event] = frozenset({Event.CREATED})
    """The events that lead to a note."""
    note: NoteOptions = NoteOptions()
    storms: StormOptions = StormOptions()
    triage: TriageOptions = TriageOptions()
    closing: ClosingOptions = ClosingOptions()
    knowledge: KnowledgeOptions = KnowledgeOptions()
    model: ModelOptions = ModelOptions()
    monitoring: MonitoringOptions | None = None
    documentation: DocumentationOptions | None = None
    limits: LimitOptions = LimitOptions()

    @property
    def slots(self) -> int:
        """Deliveries of this tenant that may be in work at once, over all workers."""
        return self.limits.concurrency or max(1, min(_MOST_SLOTS, self.servicedesk.calls_per_minute // _CALLS_A_SLOT))

    @model_validator(mode="after")
    def _http_needs_a_private_network(self) -> Tenant:
        urls = {
            "monitoring.prometheus_url": self.monitoring.prometheus_url if self.monitoring else None,
            "documentation.url": self.documentation.url if self.documentation else None,
            "model.base_url": self.model.base_url,
        }
        for key, url in urls.items():
            if is_plain(url) and not self.servicedesk.allow_private_address:
                raise ValueError(f"{key} {PLAIN_HTTP}")
        return self

    @model_validator(mode="after")
    def _notes_stay_with_the_account(self) -> Tenant:
        if self.servicedesk.account is not None and self.note.add_to_linked_requests:
            raise ValueError(
                "note.add_to_linked_requests can't be true at a shared instance: a linked ticket may be another's"
            )
        return self

    @property
    def house_rules(self) -> str:
        """The house rules for the model: those of the instance, then the tenant's own; empty if there are none."""
        return "\n".join(filter(None, (self.servicedesk.instructions, self.note.instructions)))

    @property
    def is_suspended(self) -> bool:
        return self.status == "suspended"

    @property
    def desk_id(self) -> UUID:
        """The id for the help desk's limit of calls, token and circuit. All accounts of an instance share one."""
        return self.servicedesk.instance_id or self.id

    @property
    def is_instance(self) -> bool:
        """Whether this is a shared instance itself: its deliveries wait for the account that they belong to."""
        return self.servicedesk.instance is not None and self.servicedesk.account is None


class InstanceNoteOptions(Part):
    """What the notes of all accounts of an instance have in common."""

    instructions: Instructions = ""


class Instance(HelpDeskOptions):
    """A help desk that several tenants share, each an account of it, as its file describes it."""

    id: TenantId
    name: Slug
    webhook: WebhookOptions = WebhookOptions()
    note: InstanceNoteOptions = InstanceNoteOptions()
    limits: LimitOptions = LimitOptions()

    @property
    def options(self) -> dict[str, object]:
        """What its accounts' `ServiceDeskOptions` have in common."""
        own = {name: getattr(self, name) for name in HelpDeskOptions.model_fields}
        return {**own, "instance": self.name, "instance_id": self.id, "instructions": self.note.instructions}

    @model_validator(mode="after")
    def _is_msp(self) -> Instance:
        if not self.edition.is_msp:
            raise ValueError("edition must be msp_cloud or msp_on_premises: others know no accounts")
        return self

    def as_tenant(self) -> Tenant:
        """The instance as a tenant, which owns deliveries that have no account yet, and the shared limits."""
        return Tenant(
            id=self.id,
            slug=self.name,
            name=f"{self.name} (shared help desk)",
            servicedesk=ServiceDeskOptions.model_validate(self.options),
            webhook=self.webhook,
            events=frozenset(Event),
            limits=self.limits,
        )
