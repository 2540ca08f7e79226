"""What an error makes of an attempt: is the delivery settled or tried again, when, and does the attempt count?

Invariant: `RULES` is the whole truth, read from the top: the first rule whose error fits decides. Whatever fits none is
a bug of ours and is tried again, since a bug must not lose a delivery.

For example, a help desk that is down (`HelpDeskDown`) half an hour after the webhook: the rule says `held` for six
hours, so the delivery is `pending` again, due in 7.5 to 15 s, and the attempt does not count. Seven hours after the
webhook the same error counts, as `retried`; and as `failed` once the attempts are used up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from app.core.delivery import Status
from app.core.retry import wait_before
from app.errors import (
    AccountUnknown,
    AppError,
    CallsExhausted,
    Code,
    DatabaseUnavailable,
    HelpDeskDown,
    KeyReplaced,
    LeaseLost,
    ModelAwaited,
    ModelKeyAwaited,
    NotNeeded,
    Rejected,
    TenantFileInvalid,
    TicketNotFound,
    Unavailable,
)

# A tenant's file and its secrets are mounted minutes apart, and not in all pods at once. A help desk that makes a new
# key ends the old one at once, and the new one takes seven minutes or so to get here.
TENANT_PATIENCE: Final = timedelta(minutes=15)
_FILE_WAIT: Final = timedelta(seconds=30)
MODEL_PATIENCE: Final = timedelta(minutes=5)
"""For so long a delivery waits for a model that takes no more calls; then its note is written without it."""
_MODEL_WAIT: Final = timedelta(seconds=10)
# After this time a note is of no use any more, and an operator should see that the delivery failed.
OUTAGE_PATIENCE: Final = timedelta(hours=6)
_CALLS_WAIT: Final = timedelta(seconds=30)
# A person adds the file; then the delivery is routed within this time.
ACCOUNT_PATIENCE: Final = timedelta(days=7)
ACCOUNT_WAIT: Final = timedelta(minutes=5)


class Ending(StrEnum):
    """How an attempt ended, as metrics and the console tell it."""

    ENHANCED = "enhanced"
    CONTEXT_ONLY = "context_only"
    """A note without the model's words, rightly so."""
    DEGRADED = "degraded"
    """A note that should have had the model's words."""
    SHADOWED = "shadowed"
    """The note was written and stored, and is not posted: the tenant is in shadow mode."""
    IGNORED = "ignored"
    FAILED = "failed"
    RETRIED = "retried"
    THROTTLED = "throttled"
    HELD = "held"
    """The help desk is out, the model takes no more calls, or a tenant's file or new key is not there yet."""
    LEFT_TO_LEASE = "left_to_lease"
    """The ledger could not be told: another attempt begins when the lease has run out."""
    LEASE_LOST = "lease_lost"

    @property
    def has_note(self) -> bool:
        """Whether the attempt has posted, found or kept back its note, and settled the delivery."""
        return self in {Ending.ENHANCED, Ending.CONTEXT_ONLY, Ending.DEGRADED, Ending.SHADOWED}

    @property
    def is_as_it_should_be(self) -> bool:
        """False: its trace is marked as an error."""
        return self in {Ending.ENHANCED, Ending.CONTEXT_ONLY, Ending.SHADOWED, Ending.IGNORED, Ending.THROTTLED}


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do about a family of errors."""

    error: type[BaseException]
    ending: Ending
    counts: bool = True
    """Whether the attempt is one of `MAX_ATTEMPTS`."""
    patience: timedelta | None = None
    """For so long since the webhook; then `after` holds, and the attempt counts. None: without end."""
    after: Ending = Ending.RETRIED
    wait: timedelta | None = None
    """Until it is tried again, where the other side names no time; None: by the number of attempts."""


RULES: Final = (
    Rule(DatabaseUnavailable, Ending.LEFT_TO_LEASE),
    Rule(LeaseLost, Ending.LEASE_LOST),
    Rule(NotNeeded, Ending.IGNORED),
    Rule(TicketNotFound, Ending.IGNORED),
    Rule(CallsExhausted, Ending.THROTTLED, False, wait=_CALLS_WAIT),
    Rule(TenantFileInvalid, Ending.RETRIED, False, patience=TENANT_PATIENCE, after=Ending.FAILED, wait=_FILE_WAIT),
    Rule(KeyReplaced, Ending.HELD, False, patience=TENANT_PATIENCE, after=Ending.FAILED, wait=_FILE_WAIT),
    Rule(ModelKeyAwaited, Ending.HELD, False, wait=_FILE_WAIT),  # raised within TENANT_PATIENCE alone
    Rule(ModelAwaited, Ending.HELD, False, wait=_MODEL_WAIT),  # raised within MODEL_PATIENCE alone
    Rule(Rejected, Ending.FAILED),
    Rule(AccountUnknown, Ending.HELD, False, patience=ACCOUNT_PATIENCE, after=Ending.FAILED, wait=ACCOUNT_WAIT),
    Rule(HelpDeskDown, Ending.HELD, False, patience=OUTAGE_PATIENCE),
    Rule(Unavailable, Ending.RETRIED),
    Rule(TimeoutError, Ending.RETRIED),
    Rule(Exception, Ending.RETRIED),
)
_SETTLED: Final = {Ending.IGNORED: Status.IGNORED, Ending.FAILED: Status.FAILED}
_UNTOLD: Final = {Ending.LEFT_TO_LEASE, Ending.LEASE_LOST}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What `decide` needs to know of an attempt."""

    age: timedelta
    """Since the webhook was accepted."""
    used: int
    """Attempts that count, this one included."""
    allowed: int
    """`MAX_ATTEMPTS`."""
    limit: timedelta
    """Of one attempt."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a delivery whose attempt raised."""

    ending: Ending
    status: Status | None
    """What the delivery is from now on; None: the ledger is not told, and the lease decides."""
    code: Code
    detail: str
    """A sentence for a person; no text of a ticket."""
    wait: timedelta = timedelta(0)
    """Until a delivery that is pending again is tried again."""
    counts: bool = True


def decide(error: Exception, attempt: Attempt, *, draw: float) -> Outcome:
    """What *error* makes of *attempt*. *draw* in [0, 1) spreads what failed together, as in `wait_before`."""
    rule = next(rule for rule in RULES if isinstance(error, rule.error))
    code, detail = _describe(error, attempt)
    ending, counts = rule.ending, rule.counts
    if rule.patience is not None and attempt.age > rule.patience:
        ending, counts = rule.after, True
    if ending in _UNTOLD:
        return Outcome(ending, None, code, detail)
    if ending in _SETTLED:
        return Outcome(ending, _SETTLED[ending], code, detail)
    if counts and attempt.used >= attempt.allowed:
        used_up = f"attempts used up ({attempt.used}); the last: {detail}"
        return Outcome(Ending.FAILED, Status.FAILED, code, used_up)
    asked = error.retry_after if isinstance(error, Unavailable) else None
    wait = (asked or rule.wait) if rule.wait is not None else None
    if wait is None:
        wait = wait_before(attempt.used if counts else 1, asked=asked, draw=draw)
    return Outcome(ending, Status.PENDING, code, detail, wait, counts)


def _describe(error: Exception, attempt: Attempt) -> tuple[Code, str]:
    if isinstance(error, AppError):
        return error.code or Code.INTERNAL_ERROR, error.detail
    if isinstance(error, TimeoutError):
        return Code.ATTEMPT_TOO_LONG, f"took longer than {attempt.limit.total_seconds():.0f} s"
    return Code.INTERNAL_ERROR, f"internal error ({type(error).__name__})"  # its text stays in the log
