"""Working under a lease.

Invariant: the work goes on only while its lease is held. A lease that was taken over, or that could not be extended in
time, ends the work before another worker's begins.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from app.db.ledger.claims import Claim, Ledger
from app.errors import DatabaseUnavailable, LeaseLost


@asynccontextmanager
async def held(claim: Claim, ledger: Ledger, *, lease: timedelta, limit: timedelta) -> AsyncIterator[None]:
    """Extend the lease while the block runs. The block is cancelled when that fails, and when *limit* has passed.

    Raises:
        LeaseLost: The lease ended first.
        TimeoutError: The block took longer than *limit*.
    """
    is_lost = False
    async with asyncio.timeout(limit.total_seconds()) as clock:

        def end_block(holding: asyncio.Task[None]) -> None:
            nonlocal is_lost
            if not holding.cancelled():
                holding.exception()  # seen: whatever ended it, nobody extends the lease any more
                is_lost = True
                clock.reschedule(0)  # a time that has passed: the block ends at its next await

        holding = asyncio.create_task(_hold(ledger, claim, lease))
        holding.add_done_callback(end_block)
        try:
            yield
        except asyncio.CancelledError:
            if is_lost:
                raise LeaseLost("the lease could not be held") from None
            raise
        finally:
            holding.remove_done_callback(end_block)
            holding.cancel()


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
        except (DatabaseUnavailable, TimeoutError):
            if time.monotonic() >= held_until:
                return
        else:
            held_until = asked_at + lease_s
