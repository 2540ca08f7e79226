"""Rings again for deliveries that are due and for which no ring is left. Runs in every worker.

For example, 5 deliveries have been due for a second, and the stream has 3 unread rings, since Redis lost two. The relay
sends 2 more. It does not matter for which deliveries the rings are: a worker that reads one asks the ledger what is
next.

Invariant: while PostgreSQL and one worker run, every due delivery is claimed, also if all rings are lost. While Redis
is down, or takes rings that nobody gets to read, the relay starts attempts in its own process.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from app.db.ledger.claims import Ledger
from app.errors import DatabaseUnavailable
from app.queue import Queue
from app.telemetry.metrics import BACKLOG, OLDEST_PENDING_SECONDS, QUEUE_DEPTH
from app.worker.attempts import Attempts

EVERY_S: Final = 1.0
# Long enough for a worker to read the API's own ring first.
DUE_FOR: Final = timedelta(seconds=1)
# Where a worker is idle and reads rings, one is read long before.
UNREAD_FOR: Final = timedelta(seconds=10)
MAX_RINGS: Final = 1_000

log = structlog.get_logger(__name__)


class Relay:
    """The loop of the relay, and the attempts that it started itself."""

    def __init__(self, *, ledger: Ledger, queue: Queue, attempts: Attempts, concurrency: int) -> None:
        self._ledger = ledger
        self._queue = queue
        self._attempts = attempts
        self._concurrency = concurrency
        self._own_work: set[asyncio.Task[None]] = set()
        self._is_redis_out = False
        self._is_idle = False
        """This worker was idle at the last pass, though something was overdue."""

    async def run(self, on_pass: Callable[[], None]) -> None:
        """Run `pass_once` without end. *on_pass* is called after each pass that could read the ledger."""
        while True:
            try:
                await self.pass_once()
            except DatabaseUnavailable as error:
                log.warning("relay_pass_failed", cause=error.detail)
            except Exception:  # this loop must not end
                log.exception("relay_pass_crashed")
            else:
                on_pass()
            await asyncio.sleep(EVERY_S * random.uniform(0.7, 1.3))

    async def pass_once(self) -> None:
        """Compare ledger and stream once, and send the rings that are missing."""
        was_idle, self._is_idle = self._is_idle, False
        backlog = await self._ledger.backlog()
        BACKLOG.set(backlog.waiting)
        OLDEST_PENDING_SECONDS.set(backlog.oldest.total_seconds())
        unread = await self._queue.unread()
        self._tell(is_redis_out=unread is None)
        if unread is not None:
            QUEUE_DEPTH.set(unread)
        if not backlog.waiting:
            return
        waiting = await self._ledger.waiting(due_for=DUE_FOR, limit=(unread or 0) + MAX_RINGS)
        if unread is None:
            self._work_alone(len(waiting))
            return
        missing = waiting[unread:]
        if not await self._queue.offer_all(missing):
            self._work_alone(len(waiting))  # Redis can be read but not written
            return
        if missing:
            log.info("rang_again", rings=len(missing), waiting=len(waiting))
        await self._work_unread(was_idle=was_idle)

    async def _work_unread(self, *, was_idle: bool) -> None:
        """Begin what waits although this worker was idle at two passes: it reads no rings, whatever Redis says."""
        overdue = []
        if not self._attempts.busy:
            overdue = await self._ledger.waiting(due_for=UNREAD_FOR, limit=self._concurrency)
        self._is_idle = bool(overdue)
        if overdue and was_idle:
            log.warning("rings_unread", waiting=len(overdue))
            self._work_alone(len(overdue))

    def _work_alone(self, waiting: int) -> None:
        for _ in range(min(waiting, self._concurrency - self._attempts.busy)):
            task = asyncio.create_task(self._attempts.work())
            self._own_work.add(task)
            task.add_done_callback(self._own_work.discard)

    def _tell(self, *, is_redis_out: bool) -> None:
        if is_redis_out is not self._is_redis_out:
            self._is_redis_out = is_redis_out
            log.warning("redis_lost" if is_redis_out else "redis_back")
