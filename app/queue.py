"""The doorbell: a Redis stream that tells workers that work is due.

Invariant: nothing is kept here. A message holds two ids and is acknowledged, and deleted, on receipt; it may be lost,
doubled, late or trimmed, because what a worker claims is chosen in the ledger, and the relay rings again for what was
not heard. A worker reads only when it has a free slot, so the group's lag is the number of rings that nobody heard yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from uuid import UUID

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from taskiq import AckableMessage
from taskiq.exceptions import SendTaskError
from taskiq.kicker import AsyncKicker
from taskiq_redis import RedisStreamBroker

from app.errors import QueueUnavailable

STREAM: Final = "ai-agents:rings"
GROUP: Final = "workers"
WORK_TASK: Final = "work"

_CALL_TIMEOUT_S: Final = 1.0
_BLOCK_MS: Final = 2_000  # below redis-py's socket timeout of 5 s
_MAX_RINGS: Final = 100_000
_MAX_UNSENT: Final = 10_000
_STALE_MS: Final = 60_000
_SHORTEST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0


class RingBroker(RedisStreamBroker):
    """taskiq's stream broker, changed in four things: Redis may be away, and may forget, at any time.

    `startup`: the stock one ends a process that starts while Redis is out; the API accepts without it, and whoever
    listens declares the group when it can. `shutdown`: the stock one leaves its consumer in the group, one for each
    pod that ever was, though only pods that listen may be counted. `_ack_generator`: the stock one leaves the entry in
    the stream, so that what was heard counts as unheard where the lag is not known; and its error would cost the work
    that the ring was for. `listen`: the stock one ends at the first error, be it a connection that was lost, a Redis
    that was emptied, or a replica that takes no writes; it is begun again. What another worker read and never
    acknowledged it runs again as taskiq does, which is harmless: the ledger knows whether anything is left to do.
    """

    def __init__(self, url: str, *, consumer: str | None = None, tell: Callable[[str], None] | None = None) -> None:
        super().__init__(
            url,
            queue_name=STREAM,
            consumer_group_name=GROUP,
            consumer_name=consumer,
            consumer_id="0",  # the default "$" would skip what was rung before the first worker
            xread_block=_BLOCK_MS,
            xread_count=1,
            maxlen=_MAX_RINGS,
            idle_timeout=_STALE_MS,
            # A pooled connection that Redis closed meanwhile is no reason to lose a ring.
            retry=Retry(NoBackoff(), 1),
        )
        self._tell = tell or (lambda _: None)

    async def startup(self) -> None:
        with suppress(exceptions.RedisError, OSError, TimeoutError):
            await asyncio.wait_for(super().startup(), _CALL_TIMEOUT_S * 2)

    async def shutdown(self) -> None:
        with suppress(exceptions.RedisError, OSError, TimeoutError):
            async with Redis(connection_pool=self.connection_pool) as redis:
                await asyncio.wait_for(redis.xgroup_delconsumer(STREAM, GROUP, self.consumer_name), _CALL_TIMEOUT_S)
        await super().shutdown()

    def _ack_generator(self, id: str, queue_name: str) -> Callable[[], Awaitable[None]]:  # noqa: A002 - taskiq's name
        async def acknowledge() -> None:
            with suppress(exceptions.RedisError, OSError, TimeoutError):
                async with Redis(connection_pool=self.connection_pool) as redis, redis.pipeline() as pipe:
                    # Deleted after it was delivered: deleting an undelivered entry would make the lag unknown.
                    pipe.xack(queue_name, GROUP, id)
                    pipe.xdel(queue_name, id)
                    await asyncio.wait_for(pipe.execute(), _CALL_TIMEOUT_S)

        return acknowledge

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Rings, one at a time, for as long as the worker asks; an outage of Redis is a pause, not an end."""
        pause_s = _SHORTEST_PAUSE_S
        while True:
            try:
                async for ring in super().listen():
                    pause_s = _SHORTEST_PAUSE_S
                    yield ring
            except (exceptions.RedisError, OSError, TimeoutError) as error:
                # What Redis refuses, as a replica after a failover does, is an outage like any other.
                self._tell(f"Redis can't be used ({type(error).__name__})")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            await self.startup()  # it may have forgotten the group


class Queue:
    """Rings, and how many of them nobody heard yet. From `open_queue` until its block ends."""

    def __init__(self, broker: RingBroker) -> None:
        self._broker = broker
        self._kicker: AsyncKicker[Any, Any] = AsyncKicker(task_name=WORK_TASK, broker=broker, labels={})
        self._unsent: asyncio.Queue[tuple[UUID, UUID]] = asyncio.Queue(_MAX_UNSENT)

    async def offer(self, tenant_id: UUID, job_id: UUID) -> bool:
        """Ring for one delivery. False when Redis did not take it, which the relay makes good."""
        try:
            await asyncio.wait_for(self._kicker.kiq(str(tenant_id), str(job_id)), _CALL_TIMEOUT_S)
        except (SendTaskError, TimeoutError):
            return False
        return True

    def offer_soon(self, tenant_id: UUID, job_id: UUID) -> None:
        """Ring without waiting for Redis: nobody's answer depends on it. Beyond a limit, left to the relay."""
        with suppress(asyncio.QueueFull):
            self._unsent.put_nowait((tenant_id, job_id))

    async def send_unsent(self) -> None:
        """Sends what `offer_soon` was told, for as long as the process lives."""
        while True:
            tenant_id, job_id = await self._unsent.get()
            try:
                if not await self.offer(tenant_id, job_id):
                    self._drop_unsent()
            finally:
                self._unsent.task_done()

    def _drop_unsent(self) -> None:
        # Redis is away: one timeout for each of thousands would keep the bell mute long after it is back.
        while not self._unsent.empty():
            self._unsent.get_nowait()
            self._unsent.task_done()

    async def unheard(self) -> int | None:
        """How many rings wait for a worker; None when Redis can't be asked."""
        try:
            return await asyncio.wait_for(self._unheard(), _CALL_TIMEOUT_S)
        except (exceptions.ConnectionError, exceptions.TimeoutError, OSError, TimeoutError):
            return None
        except exceptions.ResponseError as error:
            return 0 if "no such key" in str(error) else None

    async def _unheard(self) -> int:
        async with Redis(connection_pool=self._broker.connection_pool) as redis:
            for group in await redis.xinfo_groups(STREAM):
                if group["name"] != GROUP.encode():
                    continue
                # No lag before Redis 7, and none after an undelivered entry was trimmed: the length is the upper bound.
                return int(group["lag"] if group.get("lag") is not None else await redis.xlen(STREAM))
        return 0

    async def listeners(self, *, heard_within_s: float) -> int | None:
        """How many workers read the stream within this time; None when Redis can't be asked."""
        try:
            async with Redis(connection_pool=self._broker.connection_pool) as redis:
                consumers: Any = await asyncio.wait_for(redis.xinfo_consumers(STREAM, GROUP), _CALL_TIMEOUT_S)
        except exceptions.ResponseError:  # no worker was ever here
            return 0
        except (exceptions.RedisError, OSError, TimeoutError):
            return None
        return int(sum(consumer["idle"] < heard_within_s * 1000 for consumer in consumers))

    async def is_reachable(self) -> bool:
        """Whether Redis answers now."""
        try:
            async with Redis(connection_pool=self._broker.connection_pool) as redis:
                await asyncio.wait_for(redis.ping(), _CALL_TIMEOUT_S)
        except (exceptions.RedisError, OSError, TimeoutError):
            return False
        return True


@asynccontextmanager
async def open_queue(broker: RingBroker) -> AsyncIterator[Queue]:
    """A `Queue` on *broker*, which it starts and ends. Redis may be out: the relay rings again."""
    await broker.startup()
    queue = Queue(broker)
    sender = asyncio.create_task(queue.send_unsent())
    try:
        yield queue
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(queue._unsent.join(), _CALL_TIMEOUT_S)  # noqa: SLF001
        sender.cancel()
        await asyncio.wait([sender])
        await broker.shutdown()


async def erase_rings(url: str, tenant_id: UUID) -> int:
    """Delete the rings for deliveries of *tenant_id*; how many there were.

    Raises:
        QueueUnavailable: Redis does not answer, or takes no writes.
    """
    erased, start = 0, "-"
    try:
        async with Redis.from_url(url, socket_timeout=_CALL_TIMEOUT_S * 5) as redis:
            while True:
                entries: Any = await redis.xrange(STREAM, min=start, count=1_000)
                if not entries:
                    return erased
                own = [entry for entry, fields in entries if str(tenant_id).encode() in fields.get(b"data", b"")]
                erased += int(await redis.xdel(STREAM, *own)) if own else 0
                start = f"({entries[-1][0].decode()}"
    except (exceptions.RedisError, OSError, TimeoutError) as error:
        raise QueueUnavailable(f"Redis can't be used now ({type(error).__name__})") from error
