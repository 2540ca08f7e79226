"""Rings: messages on a Redis stream that tell workers that work is due.

Invariant: Redis stores no work. A ring holds two ids, and is acknowledged and deleted on receipt. It may be lost,
doubled or late, since the ledger decides what a worker claims, and the relay rings again for deliveries that stay
unclaimed. A worker reads a ring only when it may start another attempt, so the lag of the consumer group is the number
of unread rings.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, Final
from uuid import UUID

from redis import exceptions
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from taskiq import TaskiqMessage
from taskiq_redis import RedisStreamBroker

from app.errors import QueueUnavailable

STREAM: Final = "ai-agents:rings"
GROUP: Final = "workers"
WORK_TASK: Final = "work"

_CALL_TIMEOUT_S: Final = 1.0
_BLOCK_MS: Final = 2_000  # below redis-py's socket timeout of 5 s
_MAX_RINGS: Final = 100_000
_MAX_UNSENT: Final = 10_000
_MAX_BATCH: Final = 500
_STALE_MS: Final = 60_000
_UNUSABLE: Final = Exception
"""What a call raises while Redis can't be used. For an answer that is none of Redis's, redis-py raises anything."""
_OF_A_CLUSTER: Final = (exceptions.MovedError, exceptions.AskError, exceptions.ClusterDownError)
_SHORTEST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0


class RingBroker(RedisStreamBroker):
    """taskiq's stream broker, two methods changed and one new, since Redis may be down or lose its data at any time.

    `startup`: taskiq's ends a process that starts while Redis is down. But the API works without Redis, and a worker
    creates the consumer group later, in `rings`. `shutdown`: taskiq's leaves its consumer in the group, so there would
    be one for each pod that ever ran, though only live ones may be counted. `rings` is in place of `listen`. That ends
    at the first error (a lost connection, an emptied Redis, a replica that takes no writes). What it acknowledged stays
    in the stream, and would count as unread where Redis does not know the lag. After each ring it looks for others that
    a worker read and did not acknowledge, under a lock, in four round trips; here that is done now and then. To handle
    such a ring again is harmless, since the ledger knows whether there is work.
    """

    def __init__(
        self,
        url: str,
        *,
        consumer: str | None = None,
        tell: Callable[[str], None] | None = None,
        stale_ms: int = _STALE_MS,
    ) -> None:
        super().__init__(
            url,
            queue_name=STREAM,
            consumer_group_name=GROUP,
            consumer_name=consumer,
            consumer_id="0",  # the default "$" would skip rings from before the first worker started
            xread_block=_BLOCK_MS,
            xread_count=1,
            maxlen=_MAX_RINGS,
            idle_timeout=stale_ms,
            # So that a pooled connection which Redis has closed does not cost a ring.
            retry=Retry(NoBackoff(), 1),
        )
        self._tell = tell or (lambda _: None)
        self._stale_ms = stale_ms

    async def startup(self) -> None:
        with suppress(_UNUSABLE):
            async with asyncio.timeout(_CALL_TIMEOUT_S * 2):
                await super().startup()

    async def shutdown(self) -> None:
        with suppress(_UNUSABLE):
            async with Redis(connection_pool=self.connection_pool) as redis, asyncio.timeout(_CALL_TIMEOUT_S):
                await redis.xgroup_delconsumer(STREAM, GROUP, self.consumer_name)
        await super().shutdown()

    async def rings(self) -> AsyncGenerator[bytes, None]:
        """The data of rings, one at a time, without end; each is acknowledged by then. While Redis is down it waits."""
        pause_s = _SHORTEST_PAUSE_S
        while True:
            try:
                async with aclosing(self._read()) as rings:
                    async for ring in rings:
                        pause_s = _SHORTEST_PAUSE_S
                        yield ring
            except _UNUSABLE as error:
                # Also when Redis refuses a command, as a replica does after a failover. It keeps connections open: only
                # a new one leads to the server that has taken its place.
                is_cluster = isinstance(error, _OF_A_CLUSTER)
                reason = "it is a cluster: turn cluster mode off" if is_cluster else type(error).__name__
                self._tell(f"Redis can't be used ({reason})")
                with suppress(_UNUSABLE):
                    async with asyncio.timeout(_CALL_TIMEOUT_S):
                        await self.connection_pool.disconnect(inuse_connections=False)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            await self.startup()  # creates the group again, if Redis has lost it

    async def _read(self) -> AsyncGenerator[bytes, None]:
        next_look = -math.inf
        reader = _Reader(self.connection_pool, self.consumer_name)
        async with aclosing(reader), Redis(connection_pool=self.connection_pool) as redis:
            while True:
                found: list[tuple[bytes, bytes]] = []
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + self._stale_ms / 2_000
                    _, entries, *_ = await redis.xautoclaim(
                        STREAM,
                        GROUP,
                        self.consumer_name,
                        min_idle_time=self._stale_ms,
                        count=self.unacknowledged_batch_size,
                    )
                    found = [(entry_id, fields.get(b"data", b"")) for entry_id, fields in entries]
                for entry_id, data in found or await reader.next():
                    with suppress(_UNUSABLE):  # it is a ring all the same
                        await reader.acknowledge(entry_id)
                    yield data


class _Reader:
    """A connection that reads rings: redis-py's client needs several times the CPU for a command."""

    def __init__(self, pool: ConnectionPool, consumer: str) -> None:
        self._connection: Any = pool.make_connection()  # type: ignore[no-untyped-call]
        read = ("XREADGROUP", "GROUP", GROUP, consumer, "COUNT", 1, "BLOCK", _BLOCK_MS, "STREAMS", STREAM, ">")
        self._next = self._packed(*read)
        self._unanswered = 0
        """Commands that were sent and whose answers nobody waits for."""

    def _packed(self, *command: str | int | bytes) -> bytes:
        return b"".join(self._connection.pack_command(*command))

    async def next(self) -> list[tuple[bytes, bytes]]:
        """Id and data of the next ring; empty: none came within `_BLOCK_MS`."""
        await self._send(self._next)
        await self._read_unanswered()
        streams: Any = await self._connection.read_response() or []
        # A map in version 3 of Redis's protocol, else a list of pairs.
        found = streams.values() if isinstance(streams, dict) else [entries for _, entries in streams]
        return [(entry_id, _data(fields)) for entries in found for entry_id, fields in entries]

    async def acknowledge(self, entry_id: bytes) -> None:
        """Acknowledge and delete an entry, without waiting for the answers.

        In this order: deleting an undelivered entry would make the lag unknown.
        """
        commands = self._packed("XACK", STREAM, GROUP, entry_id) + self._packed("XDEL", STREAM, entry_id)
        await self._send(commands)
        self._unanswered += 2

    async def _send(self, commands: bytes) -> None:
        if not self._connection.is_connected:
            await self._connection.connect()
            self._unanswered = 0
        await self._connection.send_packed_command(commands, check_health=False)

    async def _read_unanswered(self) -> None:
        while self._unanswered:
            self._unanswered -= 1
            await self._connection.read_response()

    async def aclose(self) -> None:
        with suppress(_UNUSABLE):
            async with asyncio.timeout(_CALL_TIMEOUT_S):
                if self._connection.is_connected:
                    await self._read_unanswered()
        await self._connection.disconnect(nowait=True)


def _data(fields: list[bytes]) -> bytes:
    """What the field `data` holds; empty: there is none."""
    return dict(zip(fields[::2], fields[1::2], strict=False)).get(b"data", b"")


def _is_empty(error: Exception) -> bool:
    """Whether Redis says that it has no stream, or no group, since there was no worker yet."""
    return isinstance(error, exceptions.ResponseError) and str(error).startswith(("no such key", "NOGROUP"))


class Queue:
    """Sends rings and counts unread ones. Made by `open_queue`."""

    def __init__(self, broker: RingBroker) -> None:
        self._broker = broker
        self._unsent: asyncio.Queue[tuple[UUID, UUID]] = asyncio.Queue(_MAX_UNSENT)
        # A connection of its own for rings: redis-py's client and its pipeline need four times the CPU for a ring.
        self._connection: Any = broker.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        self._sending = asyncio.Lock()
        self._template = self._compose_template()

    async def offer(self, tenant_id: UUID, job_id: UUID) -> bool:
        """Ring for one delivery. False when Redis did not take it; then the relay rings later."""
        return await self._send([(tenant_id, job_id)])

    async def offer_all(self, rings: Sequence[tuple[UUID, UUID]]) -> bool:
        """Ring for the tenant and job id of each, in few round trips. False when Redis did not take all."""
        for first in range(0, len(rings), _MAX_BATCH):
            if not await self._send(rings[first : first + _MAX_BATCH]):
                return False
        return True

    async def _send(self, rings: Sequence[tuple[UUID, UUID]]) -> bool:
        """Send *rings* in one round trip, as taskiq's `kick` sends one. False when Redis did not take them."""
        commands = "".join([self._template % (job_id.hex, tenant_id, job_id) for tenant_id, job_id in rings]).encode()
        try:
            async with asyncio.timeout(_CALL_TIMEOUT_S), self._sending:
                try:
                    await self._exchange(commands, answers=len(rings))
                except (exceptions.ConnectionError, OSError):  # Redis may have closed it since it was used last
                    await self._exchange(commands, answers=len(rings))
        except _UNUSABLE:
            return False
        return True

    async def _exchange(self, commands: bytes, *, answers: int) -> None:
        try:
            if not self._connection.is_connected:
                await self._connection.connect()
            await self._connection.send_packed_command(commands, check_health=False)
            for _ in range(answers):
                await self._connection.read_response(timeout=math.inf)  # the caller's timeout is one for all
        except BaseException:
            # An answer that was not read would be taken for that to the next ring.
            await self._connection.disconnect(nowait=True)
            raise

    def _compose_template(self) -> str:
        """The command for a ring, as redis-py and taskiq write it, with places for three ids.

        These are the ring's own and the two that it holds. They are always as long as those here, so the lengths in the
        command are right.
        """
        tenant_id, job_id = UUID(int=1), UUID(int=2)
        ids = (job_id.hex, str(tenant_id), str(job_id))
        message = TaskiqMessage(task_id=ids[0], task_name=WORK_TASK, labels={}, args=[*ids[1:]], kwargs={})
        ring = self._broker.formatter.dumps(message).message
        command = ("XADD", STREAM, "MAXLEN", "~", _MAX_RINGS, "*", "data", ring)
        template = b"".join(self._connection.pack_commands([command])).decode().replace("%", "%%")
        for each in ids:
            template = template.replace(each, "%s")
        return template

    def offer_soon(self, tenant_id: UUID, job_id: UUID) -> None:
        """Ring for one delivery soon, without waiting for Redis. Rings beyond a limit are left to the relay."""
        with suppress(asyncio.QueueFull):
            self._unsent.put_nowait((tenant_id, job_id))

    async def send_unsent(self) -> None:
        """Send the rings of `offer_soon`, without end: while a batch is on its way, the next one gathers."""
        while True:
            rings = [await self._unsent.get()]
            while len(rings) < _MAX_BATCH and not self._unsent.empty():
                rings.append(self._unsent.get_nowait())
            try:
                if not await self._send(rings):
                    self._drop_unsent()
            finally:
                for _ in rings:
                    self._unsent.task_done()

    async def close(self) -> None:
        """Close the connection for rings."""
        await self._connection.disconnect(nowait=True)

    def _drop_unsent(self) -> None:
        # Redis is down: drop the other rings. One timeout for each of thousands would block new rings long after it is
        # up again.
        while not self._unsent.empty():
            self._unsent.get_nowait()
            self._unsent.task_done()

    async def unread(self) -> int | None:
        """The number of unread rings; None when Redis does not answer."""
        try:
            async with asyncio.timeout(_CALL_TIMEOUT_S):
                unread = await self._unread()
        except _UNUSABLE as error:
            return 0 if _is_empty(error) else None
        return unread

    async def _unread(self) -> int:
        async with Redis(connection_pool=self._broker.connection_pool) as redis:
            for group in await redis.xinfo_groups(STREAM):
                if group["name"] != GROUP.encode():
                    continue
                # Without a lag (before Redis 7, or after an unread entry was trimmed) the length is an upper bound.
                return int(group["lag"] if group.get("lag") is not None else await redis.xlen(STREAM))
        return 0

    async def listeners(self, *, read_within_s: float) -> int | None:
        """The number of workers that read the stream within this time; None when Redis does not answer."""
        try:
            async with (
                Redis(connection_pool=self._broker.connection_pool) as redis,
                asyncio.timeout(_CALL_TIMEOUT_S),
            ):
                consumers: Any = await redis.xinfo_consumers(STREAM, GROUP)
            return int(sum(consumer["idle"] < read_within_s * 1000 for consumer in consumers))
        except _UNUSABLE as error:
            return 0 if _is_empty(error) else None

    async def is_reachable(self) -> bool:
        """Whether Redis answers now about the stream: a node of a cluster without it answers a ping all the same."""
        try:
            async with (
                Redis(connection_pool=self._broker.connection_pool) as redis,
                asyncio.timeout(_CALL_TIMEOUT_S),
            ):
                await redis.exists(STREAM)
        except _UNUSABLE:
            return False
        return True


@asynccontextmanager
async def open_queue(broker: RingBroker) -> AsyncIterator[Queue]:
    """A `Queue` on *broker*, which it starts and stops. Redis may be down."""
    await broker.startup()
    queue = Queue(broker)
    sender = asyncio.create_task(queue.send_unsent())
    try:
        yield queue
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_CALL_TIMEOUT_S):
                await queue._unsent.join()  # noqa: SLF001 - its own module
        sender.cancel()
        await asyncio.wait([sender])
        await queue.close()
        await broker.shutdown()


async def erase_rings(url: str, tenant_id: UUID) -> int:
    """Delete the rings for deliveries of *tenant_id*. Returns their number.

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
    except _UNUSABLE as error:
        raise QueueUnavailable(f"Redis can't be used now ({type(error).__name__})") from error
