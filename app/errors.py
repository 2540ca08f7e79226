"""Errors raised on purpose, and what each edge makes of them.

AppError
├── Rejected                somebody must change something    API 4xx; the worker gives up at once
│   ├── Unauthenticated         401, one answer for every cause
│   ├── TenantSuspended         403
│   ├── MalformedDelivery       400, names the field
│   ├── TenantFileInvalid       the tenant's file or secret needs mending
│   ├── AddressForbidden        the tenant's file does not allow this address
│   ├── HelpDeskRefused         ServiceDesk Plus said no, and will again
│   │   └── TicketNotFound
│   └── ModelRefused            the model's answer can't be used
│       ├── ModelDeclined           it will not write about this ticket
│       │   └── ContentFiltered     its endpoint's filter will not let it
│       └── PromptTooLong           ticket and sources are more than its context takes
├── LeaseLost               another worker has this delivery now; this one stops
└── Unavailable             the same call may succeed later   API 503; the worker tries again
    ├── BodyNotReceived         408: the sender held it back
    ├── Overloaded              more at once than fits into this process
    ├── LedgerUnavailable       PostgreSQL did not commit
    ├── QueueUnavailable        Redis, where a command needs it; webhooks and workers do without
    ├── HelpDeskUnavailable
    │   └── CallsExhausted      our own limiter: costs no attempt
    ├── ModelUnavailable
    └── MonitoringUnavailable

Anything outside this tree is a bug of ours: a plain 500 in the API, a retry in the worker, the text in the logs alone.
"""

from __future__ import annotations

from datetime import timedelta


class AppError(Exception):
    """An error with a sentence for a person: what is wrong and, where it helps, the remedy.

    Args:
        detail: Never holds a credential or ticket text; it may be shown, logged and stored.
        field: The input's field at fault, dotted, or None.
    """

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class Rejected(AppError):
    """The same call will fail again: somebody must change something first."""


class Unauthenticated(Rejected):
    """Who sent this can't be told, whatever the reason."""


class TenantSuspended(Rejected):
    """The sender is who it says, and its tenant's file says `status: suspended`."""


class MalformedDelivery(Rejected):
    """The body of a webhook can't be used as it is."""


class TenantFileInvalid(Rejected):
    """A tenant's file or one of its secrets is missing or wrong."""


class AddressForbidden(Rejected):
    """A tenant's URL leads to an address that its file does not allow."""


class HelpDeskRefused(Rejected):
    """ServiceDesk Plus refused a call in a way that a retry does not mend."""


class TicketNotFound(HelpDeskRefused):
    """ServiceDesk Plus has no ticket of this id."""


class ModelRefused(Rejected):
    """The model answered, and the answer can't be used."""


class ModelDeclined(ModelRefused):
    """The model will not write about this ticket; nothing is wrong with the settings."""


class ContentFiltered(ModelDeclined):
    """The endpoint's content filter refused this prompt or its answer; no other model of it would see it."""


class PromptTooLong(ModelRefused):
    """The ticket and its sources leave no room for an answer in the model's context."""


class LeaseLost(AppError):
    """The lease ran out and another worker took the delivery, or an operator settled it."""


class Unavailable(AppError):
    """The same call may succeed later.

    Args:
        detail: As for `AppError`.
        retry_after: How long the other side asked us to wait, if it did.
    """

    def __init__(self, detail: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class BodyNotReceived(Unavailable):
    """The body of a webhook did not arrive whole, or not in time."""


class Overloaded(Unavailable):
    """More comes in at once than this process may hold."""


class LedgerUnavailable(Unavailable):
    """PostgreSQL could not commit."""


class QueueUnavailable(Unavailable):
    """Redis could not be asked or told."""


class HelpDeskUnavailable(Unavailable):
    """ServiceDesk Plus did not answer, throttled us, or failed on its side."""


class CallsExhausted(HelpDeskUnavailable):
    """The tenant's `calls_per_minute` are used up for longer than this step may wait."""


class ModelUnavailable(Unavailable):
    """The model did not answer in time, throttled us, or failed on its side."""


class MonitoringUnavailable(Unavailable):
    """The tenant's monitoring did not answer."""
