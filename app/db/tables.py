"""All tables. Row-level security, roles and grants are SQL in the migration that makes the table.

Invariant: a table with content of a tenant has `tenant_id` first in its primary key, and forced row-level security.
Only `due` has none: it holds ids and times.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Column,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "pk": "%(table_name)s_pkey",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}


def _time(*, default_now: bool = False) -> Column[Any]:
    return Column(DateTime(timezone=True), nullable=not default_now, server_default=func.now() if default_now else None)


def _words(*, nullable: bool = False, default: str | None = None) -> Column[Any]:
    return Column(Text, nullable=nullable, server_default=default)


class Delivery(SQLModel, table=True):
    """One accepted webhook call. `attempt` only grows; a worker names it in each statement, to prove that it has the lease."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("delivery_tenant_id_accepted_at_idx", "tenant_id", "accepted_at"),
        Index("delivery_tenant_id_status_accepted_at_idx", "tenant_id", "status", "accepted_at"),
        Index("delivery_tenant_id_ticket_id_idx", "tenant_id", "ticket_id"),
    )

    tenant_id: UUID = Field(primary_key=True)
    job_id: UUID = Field(primary_key=True)
    ticket_id: str = Field(sa_column=_words())
    event: str = Field(sa_column=_words())
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """The bytes as received. Not jsonb, which refuses a NUL that JSON allows."""
    status: str = Field(sa_column=_words(default="pending"))
    attempt: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    attempts_forgiven: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """How many of `attempt` don't count against `MAX_ATTEMPTS`: released on shutdown, throttled, before a replay."""
    fence: UUID | None = None
    """Drawn by each claim, and named beside `attempt`. Null: an older release claimed it, or nobody has."""
    lease_until: datetime | None = Field(default=None, sa_column=_time())
    trace_context: str | None = Field(default=None, sa_column=_words(nullable=True))
    accepted_at: datetime = Field(sa_column=_time(default_now=True))
    updated_at: datetime = Field(sa_column=_time(default_now=True))
    settled_at: datetime | None = Field(default=None, sa_column=_time())
    last_error: str | None = Field(default=None, sa_column=_words(nullable=True))
    ignored_because: str | None = Field(default=None, sa_column=_words(nullable=True))
    code: str | None = Field(default=None, sa_column=_words(nullable=True))
    """Why it has its status, as `app.errors.Code`. Null: an older release stored it, or there is no reason to give."""


class Due(SQLModel, table=True):
    """An unsettled delivery, and when a worker may claim it: at once, after a wait, or when the lease ends."""

    __tablename__ = "due"
    __table_args__ = (
        Index("due_tenant_id_due_at_idx", "tenant_id", "due_at"),
        Index("due_accepted_at_idx", "accepted_at"),
    )

    tenant_id: UUID = Field(primary_key=True)
    job_id: UUID = Field(primary_key=True)
    due_at: datetime = Field(sa_column=_time(default_now=True))
    is_leased: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    accepted_at: datetime = Field(sa_column=_time(default_now=True))


class Gate(SQLModel, table=True):
    """A pause, a limit of calls or a circuit breaker of a tenant, and until when it holds.

    Workers read the rows of all tenants, to choose among them, and change only those of the tenant that is set.
    """

    __tablename__ = "gate"

    tenant_id: UUID = Field(primary_key=True)
    """All zeros: for all tenants."""
    cause: str = Field(sa_column=Column(Text, primary_key=True))
    closed_until: datetime | None = Field(default=None, sa_column=_time())
    """Null: it does not hold; failures are counted."""
    failures: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """Failures in a row."""
    since: datetime = Field(sa_column=_time(default_now=True))
    closed_by: str | None = Field(default=None, sa_column=_words(nullable=True))
    reason: str | None = Field(default=None, sa_column=_words(nullable=True))


class FailedRow(SQLModel, table=True):
    """A failed delivery that no operator has replayed or dismissed yet. Workers read those of all tenants, to count them."""

    __tablename__ = "dead"

    tenant_id: UUID = Field(primary_key=True)
    job_id: UUID = Field(primary_key=True)
    failed_at: datetime = Field(sa_column=_time(default_now=True))


class AccountRow(SQLModel, table=True):
    """Which tenant is an account of which shared instance, as the tenants' files say; a worker keeps it so."""

    __tablename__ = "account"
    __table_args__ = (Index("account_instance_id_idx", "instance_id"),)

    tenant_id: UUID = Field(primary_key=True)
    instance_id: UUID


class OriginRow(SQLModel, table=True):
    """The account whose tickets, articles, assets and deliveries a tenant's rows are; written once."""

    __tablename__ = "origin"

    tenant_id: UUID = Field(primary_key=True)
    instance_id: UUID
    account_id: str | None = Field(sa_column=Column(Text))
    account_name: str | None = Field(sa_column=Column(Text))


class StrayRow(SQLModel, table=True):
    """Rows of an instance (`tenant_id`) that no tenant owns, counted at its last sync."""

    __tablename__ = "stray"

    tenant_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    account: str = Field(sa_column=Column(Text, primary_key=True))
    """The account's label; empty: the rows name none."""
    rows: int
    seen_at: datetime = Field(sa_column=_time(default_now=True))


class EnhancementRow(SQLModel, table=True):
    """One enhancement of a version of a ticket: reserved, then written, then posted."""

    __tablename__ = "enhancement"
    __table_args__ = (
        Index("enhancement_tenant_id_job_id_idx", "tenant_id", "job_id"),
        Index("enhancement_tenant_id_reserved_at_idx", "tenant_id", "reserved_at"),
    )

    tenant_id: UUID = Field(primary_key=True)
    ticket_id: str = Field(sa_column=Column(Text, primary_key=True))
    version: str = Field(sa_column=Column(Text, primary_key=True))
    job_id: UUID
    """The delivery that writes it. Another one takes over only after it ended without a note."""
    ticket_updated_at: datetime = Field(sa_column=_time(default_now=True))
    reserved_at: datetime = Field(sa_column=_time(default_now=True))
    content: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    confidence: str | None = Field(default=None, sa_column=_words(nullable=True))
    model: str | None = Field(default=None, sa_column=_words(nullable=True))
    prompt_tokens: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    completion_tokens: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    cost_usd: Decimal | None = Field(default=None, sa_column=Column(Numeric(12, 6), nullable=True))
    duration_ms: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    """Time from the acceptance of the delivery to the note."""
    written_at: datetime | None = Field(default=None, sa_column=_time())
    posting_at: datetime | None = Field(default=None, sa_column=_time())
    """When the latest attempt to post began. From then on a note may be on the ticket."""
    note_html: str | None = Field(default=None, sa_column=_words(nullable=True))
    """The note as the latest attempt sent it."""
    shadowed_at: datetime | None = Field(default=None, sa_column=_time())
    """When it was written in shadow mode; it is never posted. Null: it is to be posted."""
    note_id: str | None = Field(default=None, sa_column=_words(nullable=True))
    posted_at: datetime | None = Field(default=None, sa_column=_time())


class AttemptRow(SQLModel, table=True):
    """How one attempt at a delivery went. Written when it ended, so an attempt whose worker was killed has none."""

    __tablename__ = "attempt"

    tenant_id: UUID = Field(primary_key=True)
    job_id: UUID = Field(primary_key=True)
    attempt: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    began_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    ended_at: datetime = Field(sa_column=_time(default_now=True))
    outcome: str = Field(sa_column=_words())
    error: str | None = Field(default=None, sa_column=_words(nullable=True))
    steps: list[Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'")))
    code: str | None = Field(default=None, sa_column=_words(nullable=True))


def _number() -> Column[Any]:
    return Column(BigInteger, nullable=False, server_default=text("0"))


class Tally(SQLModel, table=True):
    """Results and cost of a tenant's deliveries in one hour. Counted by triggers; holds no text of a ticket."""

    __tablename__ = "tally"

    tenant_id: UUID = Field(primary_key=True)
    hour: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    model: str = Field(sa_column=Column(Text, primary_key=True))
    """Empty: no model was used."""
    notes: int = Field(default=0, sa_column=_number())
    context_only: int = Field(default=0, sa_column=_number())
    """How many of `notes` were written without a model."""
    low_confidence: int = Field(default=0, sa_column=_number())
    failed: int = Field(default=0, sa_column=_number())
    ignored: int = Field(default=0, sa_column=_number())
    prompt_tokens: int = Field(default=0, sa_column=_number())
    completion_tokens: int = Field(default=0, sa_column=_number())
    cost_usd: Decimal = Field(default=Decimal(0), sa_column=Column(Numeric, nullable=False, server_default=text("0")))


class Feedback(SQLModel, table=True):
    """A technician's vote on the note of a delivery; the latest one by the note's link."""

    __tablename__ = "feedback"
    __table_args__ = (Index("feedback_tenant_id_voted_at_idx", "tenant_id", "voted_at"),)

    tenant_id: UUID = Field(primary_key=True)
    job_id: UUID = Field(primary_key=True)
    is_helpful: bool
    comment: str = Field(default="", sa_column=_words(default=""))
    voted_at: datetime = Field(sa_column=_time(default_now=True))


class SourceVote(SQLModel, table=True):
    """A source that a vote is about: the note cites it, and the comment names it or none. A trigger keeps the rows."""

    __tablename__ = "source_vote"
    __table_args__ = (Index("source_vote_tenant_id_kind_source_id_idx", "tenant_id", "kind", "source_id"),)

    tenant_id: UUID = Field(primary_key=True)
    job_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    source_id: str = Field(sa_column=Column(Text, primary_key=True))
    is_helpful: bool
    voted_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class SourceReset(SQLModel, table=True):
    """A source whose votes up to a time an operator has taken back."""

    __tablename__ = "source_reset"

    tenant_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    source_id: str = Field(sa_column=Column(Text, primary_key=True))
    reset_at: datetime = Field(sa_column=_time(default_now=True))
    actor: str = Field(sa_column=_words())


class ShadowVerdict(SQLModel, table=True):
    """What a person says of the note of shadow mode on a ticket."""

    __tablename__ = "shadow_verdict"

    tenant_id: UUID = Field(primary_key=True)
    ticket_id: str = Field(sa_column=Column(Text, primary_key=True))
    is_same: bool
    actor: str = Field(sa_column=_words())
    judged_at: datetime = Field(sa_column=_time(default_now=True))


class AuditRow(SQLModel, table=True):
    """One act of an operator. Added, never changed. An act on all tenants has the tenant id of all zeros."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_tenant_id_acted_at_idx", "tenant_id", "acted_at"),)

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True, sa_column_kwargs={"server_default": text("gen_random_uuid()")})
    acted_at: datetime = Field(sa_column=_time(default_now=True))
    actor: str = Field(sa_column=_words())
    act: str = Field(sa_column=_words())
    number: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Number of deliveries that it changed; 1 for an act on a tenant."""
    detail: str = Field(default="", sa_column=_words(default=""))


class ConsoleSessionRow(SQLModel, table=True):
    """A session of the console. It is of no tenant: its tenant id is the one of all zeros."""

    __tablename__ = "console_session"

    tenant_id: UUID = Field(primary_key=True)
    id: str = Field(sa_column=Column(Text, primary_key=True))
    sealed: str | None = Field(default=None, sa_column=_words(nullable=True))
    """By the console's key: who signed in by the provider, with what role, and the refresh token."""
    began_at: datetime = Field(sa_column=_time(default_now=True))
    seen_at: datetime = Field(sa_column=_time(default_now=True))
    """When a person last used it; a page that refreshes itself does not count."""
    checked_at: datetime = Field(sa_column=_time(default_now=True))
    """When the provider was last asked for the person's groups."""
    checking_until: datetime | None = Field(default=None, sa_column=_time())
    """The end of the lease of the process that asks the provider again."""
    ended_at: datetime | None = Field(default=None, sa_column=_time())


def _key() -> Column[Any]:
    return Column(Text, primary_key=True)


def _document() -> Column[Any]:
    return Column(BigInteger, Identity(always=True), nullable=False)


def _empty_array(kind: Any) -> Column[Any]:
    return Column(ARRAY(kind), nullable=False, server_default=text("'{}'"))


def _no_length() -> Column[Any]:
    return Column(REAL, nullable=False, server_default=text("0"))


class ArrivalRow(SQLModel, table=True):
    """A ticket as it came in, kept for two days: what is asked of it is whether others are like it.

    Words, machines, site and reporter are hashes. The last four columns are of the first ticket of a storm.
    """

    __tablename__ = "arrival"
    __table_args__ = (
        Index("arrival_tenant_id_arrived_at_idx", "tenant_id", "arrived_at"),
        Index(
            "arrival_tenant_id_storm_ticket_id_idx",
            "tenant_id",
            "storm_ticket_id",
            postgresql_where=text("storm_ticket_id is not null"),
        ),
    )

    tenant_id: UUID = Field(primary_key=True)
    ticket_id: str = Field(sa_column=_key())
    number: str = Field(sa_column=_words())
    arrived_at: datetime = Field(sa_column=_time(default_now=True))
    """When it was reserved: in this order tickets see one another, each only those before it."""
    reported_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    reporter: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    site: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    machines: list[int] = Field(sa_column=_empty_array(BigInteger))
    is_outage: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """Whether it says that something fails for all."""
    terms: list[int] = Field(sa_column=_empty_array(BigInteger))
    weights: list[float] = Field(sa_column=_empty_array(REAL))
    """Of `terms`; the sum of their squares is 1."""
    first_source: str | None = Field(default=None, sa_column=_words(nullable=True))
    """The source that fits it best, once it was looked for."""
    storm_ticket_id: str | None = Field(default=None, sa_column=_words(nullable=True))
    """The first ticket of the storm that it is of."""
    note_id: str | None = Field(default=None, sa_column=_words(nullable=True))
    """The storm's note."""
    posting_at: datetime | None = Field(default=None, sa_column=_time())
    """When the latest call began that posts or changes the storm's note. Null: none runs."""
    told: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """How many tickets the storm's note names."""


class TicketRow(SQLModel, table=True):
    """A ticket as it was last read. It is in the search index when it is resolved and has a resolution."""

    __tablename__ = "ticket"
    __table_args__ = (
        UniqueConstraint("tenant_id", "document"),
        Index("ticket_tenant_id_requester_idx", "tenant_id", "requester", "resolved_at"),
        Index("ticket_open_idx", "tenant_id", "requester", postgresql_where=text("is_open")),
        Index(
            "ticket_latest_open_idx",
            "tenant_id",
            text("created_at desc nulls last"),
            postgresql_where=text("is_open"),
        ),
        Index("ticket_display_id_tenant_id_idx", "display_id", "tenant_id"),
    )

    tenant_id: UUID = Field(primary_key=True)
    id: str = Field(sa_column=_key())
    display_id: str = Field(sa_column=_words())
    subject: str = Field(sa_column=_words())
    description: str = Field(sa_column=_words())
    requester: str = Field(sa_column=_words())
    category: str = Field(sa_column=_words())
    subcategory: str = Field(default="", sa_column=_words(default=""))
    group: str = Field(default="", sa_column=_words(default=""))
    technician: str = Field(default="", sa_column=_words(default=""))
    status: str = Field(sa_column=_words())
    priority: str = Field(sa_column=_words())
    resolution: str = Field(sa_column=_words())
    created_at: datetime | None = Field(default=None, sa_column=_time())
    updated_at: datetime | None = Field(default=None, sa_column=_time())
    resolved_at: datetime | None = Field(default=None, sa_column=_time())
    is_open: bool | None = None
    """Null: a release that did not know stored it."""
    document: int | None = Field(default=None, sa_column=_document())
    """Its number in the search index."""
    terms: list[str] = Field(sa_column=_empty_array(Text))
    frequencies: list[float] = Field(sa_column=_empty_array(REAL))
    """How often each of `terms` occurs, weighted by field."""
    length: float = Field(default=0, sa_column=_no_length())
    """The sum of `frequencies`."""
    indexed_digest: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    """Digest of the text that was indexed; null: it is not indexed."""


class ArticleRow(SQLModel, table=True):
    """An approved article as it was last read. Its last five columns belong to the search index, as those of `ticket`."""

    __tablename__ = "article"
    __table_args__ = (UniqueConstraint("tenant_id", "document"),)

    tenant_id: UUID = Field(primary_key=True)
    id: str = Field(sa_column=_key())
    title: str = Field(sa_column=_words())
    text: str = Field(sa_column=_words())
    is_public: bool
    updated_at: datetime | None = Field(default=None, sa_column=_time())
    document: int | None = Field(default=None, sa_column=_document())
    terms: list[str] = Field(sa_column=_empty_array(Text))
    frequencies: list[float] = Field(sa_column=_empty_array(REAL))
    length: float = Field(default=0, sa_column=_no_length())
    indexed_digest: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))


class TermOccurrence(SQLModel, table=True):
    """A term occurs in a document (a posting of the index)."""

    __tablename__ = "posting"

    tenant_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=_key())
    """`ticket` or `article`."""
    term: str = Field(sa_column=_key())
    document: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    frequency: float | None = Field(default=None, sa_column=Column(REAL, nullable=True))
    """How often, as in the document's row. Null: a release that did not store it wrote the posting."""


class TicketLink(SQLModel, table=True):
    """Somebody said that a ticket is about the same as another ticket, or as an article."""

    __tablename__ = "ticket_link"
    __table_args__ = (Index("ticket_link_from_id_tenant_id_idx", "from_id", "tenant_id", "kind", "to_id"),)

    tenant_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=_key())
    """Of what is linked to: `ticket` or `article`."""
    to_id: str = Field(sa_column=_key())
    """It need not be stored, or not yet."""
    from_id: str = Field(sa_column=_key())
    """The ticket that is linked to it."""
    told_by: str = Field(sa_column=_key())
    """`link`: linked in the help desk; `resolution`: its resolution names the other; `vote`: our note cited the other, and
    a technician said that the note helped."""


class Term(SQLModel, table=True):
    """In how many documents a term occurs."""

    __tablename__ = "term"

    tenant_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=_key())
    term: str = Field(sa_column=_key())
    documents: int = Field(sa_column=Column(BigInteger, nullable=False))


class Corpus(SQLModel, table=True):
    """Number and total length of the indexed documents of a kind. Writers of the index lock this row."""

    __tablename__ = "corpus"

    tenant_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=_key())
    configuration: str = Field(sa_column=_words())
    """The text search configuration with which all its documents were indexed."""
    documents: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    total_length: float = Field(default=0, sa_column=Column(Double, nullable=False, server_default=text("0")))


class AssetRow(SQLModel, table=True):
    """An item of the inventory as it was last read."""

    __tablename__ = "asset"
    __table_args__ = (Index("asset_tenant_id_owner_key_idx", "tenant_id", "owner_key"),)

    tenant_id: UUID = Field(primary_key=True)
    id: str = Field(sa_column=_key())
    name: str = Field(sa_column=_words())
    hostname: str = Field(sa_column=_words())
    addresses: list[Any] = Field(sa_column=Column(ARRAY(INET), nullable=False))
    role: str = Field(sa_column=_words())
    location: str = Field(sa_column=_words())
    owner: str = Field(sa_column=_words())
    owner_key: str = Field(sa_column=_words())
    """The key of the owner, as `app.db.knowledge.inventory` makes it; empty: no owner."""
    updated_at: datetime | None = Field(default=None, sa_column=_time())


class AssetAddress(SQLModel, table=True):
    """An address by which an asset is found."""

    __tablename__ = "asset_address"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["asset.tenant_id", "asset.id"], ondelete="CASCADE"),
        Index("asset_address_tenant_id_asset_id_idx", "tenant_id", "asset_id"),
    )

    tenant_id: UUID = Field(primary_key=True)
    address: Any = Field(sa_column=Column(INET, primary_key=True))
    asset_id: str = Field(sa_column=_key())


class AssetName(SQLModel, table=True):
    """A name, in lower case, by which an asset is found."""

    __tablename__ = "asset_name"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["asset.tenant_id", "asset.id"], ondelete="CASCADE"),
        Index("asset_name_tenant_id_asset_id_idx", "tenant_id", "asset_id"),
    )

    tenant_id: UUID = Field(primary_key=True)
    name: str = Field(sa_column=_key())
    asset_id: str = Field(sa_column=_key())
    is_shortened: bool
    """Whether it is only the first label of a name that the inventory has with its domain."""


class SyncCursor(SQLModel, table=True):
    """How far the sync has read one kind of item."""

    __tablename__ = "sync_cursor"

    tenant_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=_key())
    seen_up_to: datetime | None = Field(default=None, sa_column=_time())
    """All items that were updated before this are stored; by the clock of ServiceDesk Plus."""
    listed_at: datetime | None = Field(default=None, sa_column=_time())
    """When the last complete listing began; by the database's clock."""


class CallRateRow(SQLModel, table=True):
    """When a tenant's ServiceDesk Plus may be called next, by the database's clock: the arrival time of GCRA."""

    __tablename__ = "call_slot"

    tenant_id: UUID = Field(primary_key=True)
    next_call_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    closed_until: datetime | None = Field(default=None, sa_column=_time())
    """No call is made before this, since ServiceDesk Plus throttled us."""


class AccessTokenRow(SQLModel, table=True):
    """A tenant's OAuth access token, sealed with a key that only holders of its refresh token can derive."""

    __tablename__ = "access_token"

    tenant_id: UUID = Field(primary_key=True)
    sealed_token: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    expires_at: datetime | None = Field(default=None, sa_column=_time())
    fetched_at: datetime | None = Field(default=None, sa_column=_time())
    refreshing_until: datetime | None = Field(default=None, sa_column=_time())
    """The end of the lease of the worker that fetches a new token."""
    refreshes: list[datetime] = Field(sa_column=_empty_array(DateTime(timezone=True)))
    """When each fetch of the last ten minutes began."""
