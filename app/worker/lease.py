"""Runs a block of code while a lease is held, and extends the lease.

Invariant: the block runs only while its lease holds. If the lease was taken over, or could not be extended in time, the
block is cancelled before another worker can claim the delivery.
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
    """Extend the lease while the block runs. The block is cancelled when that fails, or after *limit*.

    Raises:
        LeaseLost: The lease ended before the block did.
        TimeoutError: The block took longer than *limit*.
    """
    is_lost = False
    async with asyncio.timeout(limit.total_seconds()) as clock:

        def end_block(holding: asyncio.Task[None]) -> None:
            nonlocal is_lost
            if not holding.cancelled():
                holding.exception()  # marks the exception as retrieved; the lease is lost, whatever it was
                is_lost = True
                clock.reschedule(0)  # a time in the past: the block is cancelled at its next await

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
    """Extend the lease again and again; raises when it is lost."""
    lease_s = lease.total_seconds()
    held_until = claim.asked_at + lease_s
    wait_s = max(claim.asked_at + lease_s / 4 - time.monotonic(), 0)
    while True:
        await asyncio.sleep(wait_s)
        wait_s = lease_s / 4
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
