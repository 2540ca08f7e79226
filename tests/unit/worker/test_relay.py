"""How often the relay counts what is due."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from app.db.ledger.claims import Backlog
from app.worker.relay import Relay


class SlowLedger:
    """Takes 20 ms to count *waiting* deliveries."""

    def __init__(self, waiting: int) -> None:
        self.counts = 0
        self._waiting = waiting

    async def backlog(self) -> Backlog:
        self.counts += 1
        await asyncio.sleep(0.02)
        return Backlog(waiting=self._waiting, oldest=timedelta(0))

    async def waiting(self, **_: Any) -> list[tuple[UUID, UUID]]:
        return []


class NoRings:
    async def unread(self) -> int:
        return 0


async def counts(ledger: SlowLedger) -> int:
    relay = Relay(ledger=cast("Any", ledger), queue=cast("Any", NoRings()), attempts=cast("Any", None), concurrency=1)
    for _ in range(3):
        await relay.pass_once()
    return ledger.counts


async def test_a_large_backlog_is_not_counted_at_each_pass() -> None:
    assert await counts(SlowLedger(waiting=100_000)) == 1


async def test_where_nothing_waited_each_pass_looks() -> None:
    assert await counts(SlowLedger(waiting=0)) == 3
