"""When a delivery is tried again.

Invariant: a wait is never shorter than what the other side asked for, and never longer than `LONGEST`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

FIRST: Final = timedelta(seconds=15)
_GROWTH: Final = 4
"""15 s and a minute: with three attempts a restart of the other side is outlasted."""
LONGEST: Final = timedelta(minutes=10)


def wait_before(attempt: int, *, asked: timedelta | None, draw: float) -> timedelta:
    """How long to wait after *attempt* failed: exponential, with full jitter on its upper half.

    Args:
        attempt: 1 for the first attempt.
        asked: What a `Retry-After` said, or None.
        draw: A random number in [0, 1): many deliveries that failed together must not come back together.
    """
    backoff = min(FIRST * float(_GROWTH ** min(attempt - 1, 8)), LONGEST)
    wait = backoff / 2 + backoff / 2 * draw
    if asked is not None:
        wait = max(wait, asked + FIRST * draw)
    return min(wait, LONGEST)
