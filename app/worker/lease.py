"""Working under a lease.

Invariant: the work goes on only while its lease is held. A lease that was taken over, or that could not be extended in
time, ends the work before another worker's begins.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from app.db.ledger import Claim, Ledger
from app.errors import LeaseLost, LedgerUnavailable

Result = TypeVar("Result")


async def run_held(
    work: Coroutine[Any, Any, Result], *, ledger: Ledger, claim: Claim, lease: timedelta, limit: timedelta
) -> Result:
    """The result of *work*, whose lease is extended while it runs.

    Raises:
        LeaseLost: The lease ended first; *work* was cancelled.
        TimeoutError: *work* took longer than *limit*; it was cancelled.
    """
    working = asyncio.create_task(work)
    holding = asyncio.create_task(_hold(ledger, claim, lease))
    try:
        await asyncio.wait({working, holding}, timeout=limit.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        if holding.done():
            raise LeaseLost("the lease could not be held")
        raise TimeoutError
    finally:
        holding.cancel()
        working.cancel()
        await asyncio.wait({working, holding})
        if not working.cancelled():
            working.exception()  # seen: it ended with an error while it was being cancelled


async def _hold(ledger: Ledger, claim: Claim, lease: timedelta) -> None:
    """Extend the lease until it is lost."""
    lease_s = lease.total_seconds()
    held_until = time.monotonic() + lease_s
    while True:
        await asyncio.sleep(lease_s / 4)
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(max(held_until - asked_at, 0)):
                await ledger.extend(claim)
        except LeaseLost:
            return
        except (LedgerUnavailable, TimeoutError):
            if time.monotonic() >= held_until:
                return
        else:
            held_until = asked_at + lease_s
