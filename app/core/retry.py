"""When a failed delivery is tried again, and for how long the circuit of a failed dependency stays open.

Invariant: a wait is never shorter than what the other side asked for, and never longer than `LONGEST`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

FIRST: Final = timedelta(seconds=15)
_GROWTH: Final = 4
"""The first waits are about 15 s and a minute, so that three attempts last longer than a restart of the other side."""
LONGEST: Final = timedelta(minutes=10)

FAILURES_TO_OPEN: Final = 5
"""Failed attempts in a row, over all workers, that open a circuit. More than the three attempts that a delivery has
by default, so that one ticket which always fails does not open it."""
FIRST_OPEN: Final = timedelta(seconds=15)
LONGEST_OPEN: Final = timedelta(minutes=1)
"""So notes come within two minutes after the dependency works again, and until then it gets a call or two a minute."""


def wait_before(attempt: int, *, asked: timedelta | None, draw: float) -> timedelta:
    """How long to wait after *attempt* failed: exponential, with full jitter on its upper half.

    Args:
        attempt: 1 for the first attempt.
        asked: What a `Retry-After` said, or None.
        draw: A random number in [0, 1), so that deliveries which failed together are not tried again together.
    """
    backoff = min(FIRST * float(_GROWTH ** min(attempt - 1, 8)), LONGEST)
    wait = backoff / 2 + backoff / 2 * draw
    if asked is not None:
        wait = max(wait, asked + FIRST * draw)
    return min(wait, LONGEST)


def open_for(failures: int) -> timedelta | None:
    """How long the circuit of a dependency that failed *failures* times in a row is open; None: it stays closed.

    15 s, 30 s, then a minute each time: most outages are short. After that one call at a time tries until one succeeds.
    """
    if failures < FAILURES_TO_OPEN:
        return None
    return min(FIRST_OPEN * float(2 ** min(failures - FAILURES_TO_OPEN, 8)), LONGEST_OPEN)
