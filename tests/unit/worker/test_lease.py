"""A block runs only while its lease holds."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from app.errors import DatabaseUnavailable, LeaseLost
from app.worker.lease import held

LEASE = timedelta(minutes=5)


class AskedClaim:
    """A claim whose answer came this long after it was asked for."""

    def __init__(self, ago: timedelta) -> None:
        self.asked_at = time.monotonic() - ago.total_seconds()


class Ledger:
    def __init__(self, *, is_out: bool) -> None:
        self.is_out = is_out
        self.is_asked = asyncio.Event()

    async def extend(self, _: Any) -> None:
        self.is_asked.set()
        if self.is_out:
            raise DatabaseUnavailable("it is out")


async def hold(claim: Any, ledger: Any, until: asyncio.Event) -> None:
    async with asyncio.timeout(30), held(claim, ledger, lease=LEASE, limit=LEASE):
        await until.wait()


async def test_a_lease_runs_from_when_its_claim_was_asked_for() -> None:
    with pytest.raises(LeaseLost):
        await hold(AskedClaim(LEASE), Ledger(is_out=True), asyncio.Event())


async def test_what_a_slow_claim_left_of_a_lease_is_extended_at_once() -> None:
    ledger = Ledger(is_out=False)
    await hold(AskedClaim(LEASE / 2), ledger, ledger.is_asked)


async def test_a_lease_that_holds_lets_the_block_end_by_itself() -> None:
    ended = asyncio.Event()
    ended.set()
    await hold(AskedClaim(timedelta(0)), Ledger(is_out=True), ended)
