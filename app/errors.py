"""All errors that are raised on purpose, their codes, and what API and worker do about them.

Invariant: an error that can be the reason of a delivery's status has a `Code`, which is stored, counted and logged. The
meaning of a code and its remedy are in `core.diagnosis` only.

AppError
├── Rejected                a person must change something    API 4xx; the worker gives up at once
│   ├── Unauthenticated         401, one answer for every cause
│   ├── TenantSuspended         403: the tenant's file says `status: suspended`
│   ├── MalformedDelivery       400: a webhook's body can't be used; names the field
│   ├── TenantFileInvalid       the tenant's file or secret needs mending
│   ├── AddressForbidden        the tenant's file does not allow this address
│   ├── HelpDeskRefused         ServiceDesk Plus said no, and will again
│   │   ├── KeyReplaced         it took our key before: the new one may be on its way to us
│   │   └── TicketNotFound      the delivery is ignored: the ticket may have been deleted
│   └── ModelRefused            the model's answer can't be used
│       ├── ModelKeyReplaced        its endpoint took our key before
│       ├── ModelDeclined           the model refuses to write about this ticket
│       │   └── ContentFiltered     the endpoint's content filter stopped it
│       ├── PromptTooLong           longer than its context; asked again with less
│       └── TextRefused             the embedder makes no vector of this text
├── NotNeeded               this delivery needs no note of its own
│   └── TicketForeign           it is of another account of the shared instance
├── ModelKeyAwaited         the new key of a model may be on its way to us: the delivery waits
├── AccountUnknown          no tenant's file names the account of a shared instance's ticket yet: the delivery waits
├── LeaseLost               another worker has this delivery now, or an operator settled it; this one stops
└── Unavailable             the same call may succeed later   API 503; the worker tries again
    ├── BodyNotReceived         408: it did not arrive in time
    ├── Overloaded              more at once than this process may hold
    ├── DatabaseUnavailable     PostgreSQL did not commit, or could not be read
    ├── QueueUnavailable        Redis, for commands that need it; webhooks and workers don't
    ├── HelpDeskUnavailable
    │   ├── CallsExhausted      `calls_per_minute` are used up for longer than this step may wait: costs no attempt
    │   └── HelpDeskDown        it answers no call at all: costs no attempt
    ├── ModelUnavailable
    │   └── ModelBusy           it takes no more calls for now; it has answered others lately
    ├── ModelAwaited            a busy model: the delivery waits, and costs no attempt
    ├── MonitoringUnavailable
    └── DocumentationUnavailable

Any other error is a bug of ours: a 500 from the API, a retry in the worker, and its text only in the logs.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class Code(StrEnum):
    """Why a delivery has its status, or why a webhook was refused. Stored, so a value never changes its meaning."""

    UNAUTHENTICATED = "unauthenticated"
    TENANT_SUSPENDED = "tenant_suspended"
    WEBHOOK_MALFORMED = "webhook_malformed"
    BODY_NOT_RECEIVED = "body_not_received"
    OVERLOADED = "overloaded"
    LEDGER_UNAVAILABLE = "ledger_unavailable"
    QUEUE_UNAVAILABLE = "queue_unavailable"

    TENANT_UNKNOWN = "tenant_unknown"
    TENANT_FILE_INVALID = "tenant_file_invalid"
    TENANT_SECRET_MISSING = "tenant_secret_missing"  # noqa: S105 - a name
    ADDRESS_FORBIDDEN = "address_forbidden"

    HELP_DESK_UNREACHABLE = "help_desk_unreachable"
    HELP_DESK_FAILED = "help_desk_failed"
    HELP_DESK_SLOW = "help_desk_slow"
    HELP_DESK_THROTTLED = "help_desk_throttled"
    HELP_DESK_NOT_UNDERSTOOD = "help_desk_not_understood"
    HELP_DESK_UNAUTHORISED = "help_desk_unauthorised"
    HELP_DESK_SCOPE_MISSING = "help_desk_scope_missing"
    HELP_DESK_FORBIDDEN = "help_desk_forbidden"
    HELP_DESK_REDIRECTS = "help_desk_redirects"
    HELP_DESK_PATH_MISSING = "help_desk_path_missing"
    HELP_DESK_FIELD_MISSING = "help_desk_field_missing"
    HELP_DESK_REFUSED = "help_desk_refused"
    TICKET_NOT_FOUND = "ticket_not_found"
    TICKET_TRASHED = "ticket_trashed"
    TICKET_MERGED = "ticket_merged"
    TICKET_CLOSED = "ticket_closed"
    TICKET_EMPTY = "ticket_empty"
    AUTOMATIC_REPLY = "automatic_reply"
    ALL_CLEAR = "all_clear"
    ONLY_THANKS = "only_thanks"
    UNDELIVERED_MAIL = "undelivered_mail"
    TAGGED_AS_SPAM = "tagged_as_spam"
    NOTHING_FOUND = "nothing_found"
    TICKET_OF_ANOTHER_ACCOUNT = "ticket_of_another_account"
    ACCOUNT_UNKNOWN = "account_unknown"
    ROUTED = "routed"
    CALLS_EXHAUSTED = "calls_exhausted"

    BUDGET_USED_UP = "budget_used_up"
    MODEL_UNAVAILABLE = "model_unavailable"
    MODEL_BUSY = "model_busy"
    MODEL_REFUSED = "model_refused"
    MODEL_UNAUTHORISED = "model_unauthorised"
    MODEL_DECLINED = "model_declined"
    MODEL_CONTENT_FILTER = "model_content_filter"
    PROMPT_TOO_LONG = "prompt_too_long"
    MONITORING_UNAVAILABLE = "monitoring_unavailable"
    DOCUMENTATION_UNAVAILABLE = "documentation_unavailable"

    ATTEMPT_TOO_LONG = "attempt_too_long"
    WORKER_LOST = "worker_lost"
    LEASE_LOST = "lease_lost"
    DELIVERY_UNREADABLE = "delivery_unreadable"
    INTERNAL_ERROR = "internal_error"

    EVENT_NOT_WANTED = "event_not_wanted"
    OWN_EVENT = "own_event"
    NOTE_EXISTS = "note_exists"
    VERSION_IN_WORK = "version_in_work"
    VERSION_OUTDATED = "version_outdated"
    SHADOW = "shadow"
    DISMISSED = "dismissed"


class AppError(Exception):
    """An error with a sentence for a person: what is wrong and, if there is one, the remedy.

    Args:
        detail: The sentence. It is shown, logged and stored, so it must not hold credentials or ticket text.
        field: The wrong field of the input with dots (`ticket.id`), or None.
        code: A more exact code than that of the class.
    """

    code: Code | None = None
    """None: this error never becomes the reason of a delivery."""

    def __init__(self, detail: str, *, field: str | None = None, code: Code | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        if code is not None:
            self.code = code


class Rejected(AppError):
    """The same call will fail again, until a person changes something."""


class Unauthenticated(Rejected):
    code = Code.UNAUTHENTICATED


class TenantSuspended(Rejected):
    code = Code.TENANT_SUSPENDED


class MalformedDelivery(Rejected):
    code = Code.WEBHOOK_MALFORMED


class TenantFileInvalid(Rejected):
    code = Code.TENANT_FILE_INVALID


class AddressForbidden(Rejected):
    code = Code.ADDRESS_FORBIDDEN


class HelpDeskRefused(Rejected):
    code = Code.HELP_DESK_REFUSED


class KeyReplaced(HelpDeskRefused):
    """ServiceDesk Plus does not accept our key any more, which this process has seen it accept."""

    code = Code.HELP_DESK_UNAUTHORISED


class TicketNotFound(HelpDeskRefused):
    code = Code.TICKET_NOT_FOUND


class ModelRefused(Rejected):
    code = Code.MODEL_REFUSED


class ModelKeyReplaced(ModelRefused):
    """The model's endpoint does not accept our key any more, which this process has seen it accept."""

    code = Code.MODEL_UNAUTHORISED


class ModelKeyAwaited(AppError):
    code = Code.MODEL_UNAUTHORISED


class TextRefused(ModelRefused):
    """The embedder makes no vector of at least one of these texts; of others it may."""


class NotNeeded(AppError):
    """This delivery needs no note of its own; the sentence says why."""

    def __init__(self, detail: str, *, code: Code) -> None:
        super().__init__(detail, code=code)


class TicketForeign(NotNeeded):
    """The ticket is not of the tenant's account, or names no account.

    Its *ticket_id* is the id, where the delivery may have the display id.
    """

    def __init__(self, detail: str, *, ticket_id: str) -> None:
        super().__init__(detail, code=Code.TICKET_OF_ANOTHER_ACCOUNT)
        self.ticket_id = ticket_id


class AccountUnknown(AppError):
    code = Code.ACCOUNT_UNKNOWN


class ModelDeclined(ModelRefused):
    code = Code.MODEL_DECLINED


class ContentFiltered(ModelDeclined):
    code = Code.MODEL_CONTENT_FILTER


class PromptTooLong(ModelRefused):
    """The prompt leaves no room for an answer in the model's context.

    *share* of it would leave room (above 0; None: the endpoint did not tell).
    """

    code = Code.PROMPT_TOO_LONG

    def __init__(self, detail: str, *, share: float | None = None) -> None:
        super().__init__(detail)
        self.share = share


class LeaseLost(AppError):
    code = Code.LEASE_LOST


class Unavailable(AppError):
    """The same call may succeed later.

    *retry_after* is how long the other side asked us to wait, if it did.
    """

    def __init__(self, detail: str, *, retry_after: timedelta | None = None, code: Code | None = None) -> None:
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class BodyNotReceived(Unavailable):
    code = Code.BODY_NOT_RECEIVED


class Overloaded(Unavailable):
    code = Code.OVERLOADED


class DatabaseUnavailable(Unavailable):
    """PostgreSQL could not be read or written. Whether an open transaction was committed is not known."""

    # The name of the code is older than this class, and stored: it stays.
    code = Code.LEDGER_UNAVAILABLE


class QueueUnavailable(Unavailable):
    code = Code.QUEUE_UNAVAILABLE


class HelpDeskUnavailable(Unavailable):
    """ServiceDesk Plus did not answer, throttled us, or failed on its side."""

    code = Code.HELP_DESK_FAILED


class CallsExhausted(HelpDeskUnavailable):
    code = Code.CALLS_EXHAUSTED


class HelpDeskDown(HelpDeskUnavailable):
    """ServiceDesk Plus answers no call at all, whichever ticket it is about."""


class ModelUnavailable(Unavailable):
    """The model did not answer in time, throttled us, or failed on its side."""

    code = Code.MODEL_UNAVAILABLE


class ModelBusy(ModelUnavailable):
    code = Code.MODEL_BUSY


class ModelAwaited(Unavailable):
    code = Code.MODEL_BUSY


class MonitoringUnavailable(Unavailable):
    code = Code.MONITORING_UNAVAILABLE


class DocumentationUnavailable(Unavailable):
    """The server of the tenant's documentation did not answer, or none of its tools may be or could be called."""

    code = Code.DOCUMENTATION_UNAVAILABLE
