"""The table of outcomes, walked whole."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core.delivery import NEXT, Status
from app.core.outcome import OUTAGE_PATIENCE, RULES, TENANT_PATIENCE, Attempt, Ending, decide
from app.errors import (
    AccountUnknown,
    AddressForbidden,
    AppError,
    CallsExhausted,
    Code,
    DatabaseUnavailable,
    HelpDeskDown,
    HelpDeskRefused,
    HelpDeskUnavailable,
    KeyReplaced,
    LeaseLost,
    MalformedDelivery,
    ModelAwaited,
    ModelKeyAwaited,
    ModelUnavailable,
    NotNeeded,
    TenantFileInvalid,
    TicketNotFound,
)

SOON, LATE = timedelta(minutes=1), OUTAGE_PATIENCE + timedelta(minutes=1)
ASKED = timedelta(seconds=90)


def an_attempt(**changes: Any) -> Attempt:
    return Attempt(**{"age": SOON, "used": 1, "allowed": 3, "limit": timedelta(seconds=120), **changes})


@pytest.mark.parametrize(
    ("error", "attempt", "ending", "status", "counts"),
    [
        (DatabaseUnavailable("x"), {}, Ending.LEFT_TO_LEASE, None, True),
        (LeaseLost("x"), {}, Ending.LEASE_LOST, None, True),
        (NotNeeded("x", code=Code.NOTE_EXISTS), {}, Ending.IGNORED, Status.IGNORED, True),
        (CallsExhausted("x"), {}, Ending.THROTTLED, Status.PENDING, False),
        (CallsExhausted("x"), {"age": LATE, "used": 9}, Ending.THROTTLED, Status.PENDING, False),
        (TenantFileInvalid("x"), {"used": 9}, Ending.RETRIED, Status.PENDING, False),
        (TenantFileInvalid("x"), {"age": TENANT_PATIENCE + SOON}, Ending.FAILED, Status.FAILED, True),
        (HelpDeskRefused("x"), {}, Ending.FAILED, Status.FAILED, True),
        (KeyReplaced("x"), {"used": 9}, Ending.HELD, Status.PENDING, False),
        (KeyReplaced("x"), {"age": TENANT_PATIENCE + SOON}, Ending.FAILED, Status.FAILED, True),
        (ModelKeyAwaited("x"), {"used": 9}, Ending.HELD, Status.PENDING, False),
        (ModelAwaited("x"), {"used": 9}, Ending.HELD, Status.PENDING, False),
        (TicketNotFound("x"), {}, Ending.IGNORED, Status.IGNORED, True),
        (AddressForbidden("x"), {}, Ending.FAILED, Status.FAILED, True),
        (MalformedDelivery("x"), {}, Ending.FAILED, Status.FAILED, True),
        (AccountUnknown("x"), {"age": LATE, "used": 9}, Ending.HELD, Status.PENDING, False),
        (AccountUnknown("x"), {"age": timedelta(days=8)}, Ending.FAILED, Status.FAILED, True),
        (HelpDeskDown("x"), {"used": 9}, Ending.HELD, Status.PENDING, False),
        (HelpDeskDown("x"), {"age": LATE}, Ending.RETRIED, Status.PENDING, True),
        (HelpDeskDown("x"), {"age": LATE, "used": 3}, Ending.FAILED, Status.FAILED, True),
        (HelpDeskUnavailable("x"), {}, Ending.RETRIED, Status.PENDING, True),
        (HelpDeskUnavailable("x"), {"used": 3}, Ending.FAILED, Status.FAILED, True),
        (ModelUnavailable("x"), {"used": 2}, Ending.RETRIED, Status.PENDING, True),
        (TimeoutError(), {}, Ending.RETRIED, Status.PENDING, True),
        (TimeoutError(), {"used": 3}, Ending.FAILED, Status.FAILED, True),
        (KeyError("a ticket's text"), {}, Ending.RETRIED, Status.PENDING, True),
        (KeyError("a ticket's text"), {"used": 4}, Ending.FAILED, Status.FAILED, True),
    ],
)
def test_the_table(
    error: Exception, attempt: dict[str, Any], ending: Ending, status: Status | None, counts: bool
) -> None:
    outcome = decide(error, an_attempt(**attempt), draw=0.5)
    assert (outcome.ending, outcome.status, outcome.counts) == (ending, status, counts)
    assert isinstance(outcome.code, Code)
    assert outcome.detail
    assert "a ticket's text" not in outcome.detail
    if status is not None:
        assert status in NEXT[Status.PROCESSING]
    if status is Status.PENDING:
        assert outcome.wait > timedelta(0)


def test_each_rule_can_be_reached() -> None:
    """No rule stands behind one that fits all of its errors."""
    for number, rule in enumerate(RULES):
        assert not any(issubclass(rule.error, earlier.error) for earlier in RULES[:number]), rule


def test_every_error_that_may_end_an_attempt_finds_a_rule() -> None:
    def family(kind: type[BaseException]) -> set[type[BaseException]]:
        return {kind}.union(*(family(each) for each in kind.__subclasses__()))

    for kind in family(AppError) | {TimeoutError, Exception}:
        assert any(issubclass(kind, rule.error) for rule in RULES)


def test_the_wait_that_the_other_side_asked_for_is_kept() -> None:
    for error in (CallsExhausted, HelpDeskDown, HelpDeskUnavailable):
        assert decide(error("x", retry_after=ASKED), an_attempt(), draw=0.5).wait >= ASKED


def test_an_outage_is_waited_out_in_short_waits() -> None:
    waits = [decide(HelpDeskDown("x"), an_attempt(used=number), draw=0.9).wait for number in range(1, 9)]
    assert max(waits) <= timedelta(seconds=15)


def test_the_code_is_the_errors_own() -> None:
    assert decide(TicketNotFound("x"), an_attempt(), draw=0).code is Code.TICKET_NOT_FOUND
    assert decide(HelpDeskDown("x", code=Code.HELP_DESK_UNREACHABLE), an_attempt(), draw=0).code is (
        Code.HELP_DESK_UNREACHABLE
    )
    assert decide(TimeoutError(), an_attempt(), draw=0).code is Code.ATTEMPT_TOO_LONG
    assert decide(KeyError("x"), an_attempt(), draw=0).code is Code.INTERNAL_ERROR
