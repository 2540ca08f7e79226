"""The doorbell on a real Redis-compatible server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from app.queue import GROUP, STREAM, Queue, RingBroker, open_queue
from demo.embedded import ValkeyServer, open_valkey
from demo.run_folder import RunFolder
from tests.integration.streams import copy


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()
        yield redis


@pytest.fixture
async def broker(valkey: ValkeyServer) -> RingBroker:
    return RingBroker(valkey.url, consumer="test")


@pytest.fixture
async def queue(redis: Redis, broker: RingBroker) -> AsyncIterator[Queue]:
    async with open_queue(broker) as queue:
        yield queue


async def test_what_was_rung_before_the_first_worker_is_heard(queue: Queue, broker: RingBroker) -> None:
    for _ in range(3):
        assert await queue.offer(uuid4(), uuid4())
    assert await queue.unread() == 3
    rings = broker.rings()
    for left in (2, 1, 0):
        async with asyncio.timeout(5):
            await anext(rings)
        assert await queue.unread() == left
    await rings.aclose()


async def test_a_heard_ring_leaves_nothing_behind_and_the_lag_stays_a_number(
    queue: Queue, broker: RingBroker, redis: Redis
) -> None:
    rings = broker.rings()
    for _ in range(20):
        await queue.offer(uuid4(), uuid4())
        async with asyncio.timeout(5):
            await anext(rings)
    await rings.aclose()
    [group] = await redis.xinfo_groups(STREAM)
    assert (group["lag"], group["pending"]) == (0, 0)
    assert await redis.xlen(STREAM) == 0


async def test_rings_that_wait_are_sent_in_few_round_trips_and_each_is_read(queue: Queue, broker: RingBroker) -> None:
    told = [(uuid4(), uuid4()) for _ in range(1_200)]
    for tenant_id, job_id in told:
        queue.offer_soon(tenant_id, job_id)
    async with asyncio.timeout(5):
        while await queue.unread() != len(told):
            await asyncio.sleep(0.01)
    read: set[tuple[UUID, ...]] = set()
    rings = broker.rings()
    while len(read) < len(told):
        read.add(tuple(UUID(arg) for arg in broker.formatter.loads(await anext(rings)).args))
    await rings.aclose()
    assert read == set(told)


async def test_a_thousand_rings_of_the_relay_are_sent_in_few_round_trips(queue: Queue, redis: Redis) -> None:
    before = int((await redis.info("stats"))["total_reads_processed"])
    assert await queue.offer_all([(uuid4(), uuid4()) for _ in range(1_001)])
    assert int((await redis.info("stats"))["total_reads_processed"]) - before < 100
    assert await queue.unread() == 1_001


async def test_a_flushed_redis_is_rung_and_heard_again(queue: Queue, broker: RingBroker, redis: Redis) -> None:
    rings = broker.rings()
    heard = asyncio.create_task(anext(rings))
    await asyncio.sleep(0.2)
    await redis.flushall()
    await asyncio.sleep(0.2)
    assert await queue.offer(uuid4(), uuid4())
    async with asyncio.timeout(10):
        await heard
    await rings.aclose()


async def test_an_empty_redis_has_nothing_unread(queue: Queue, redis: Redis) -> None:
    await redis.flushall()
    assert await queue.unread() == 0


async def test_what_was_rung_before_there_was_a_group_is_heard(queue: Queue, broker: RingBroker, redis: Redis) -> None:
    await redis.flushall()
    assert await queue.offer(uuid4(), uuid4())
    rings = broker.rings()
    async with asyncio.timeout(5):
        await anext(rings)
    await rings.aclose()


async def test_rings_that_a_dead_worker_read_are_heard_again_and_leave_nothing_behind(
    queue: Queue, redis: Redis, valkey: ValkeyServer
) -> None:
    await queue.offer(uuid4(), uuid4())
    await redis.xreadgroup(GROUP, "dead", {STREAM: ">"}, count=1)
    await queue.offer(uuid4(), uuid4())
    broker = RingBroker(valkey.url, consumer="other", stale_ms=1)
    rings = broker.rings()
    async with asyncio.timeout(5):
        for _ in range(2):
            await anext(rings)
    await rings.aclose()
    await broker.shutdown()
    [group] = await redis.xinfo_groups(STREAM)
    assert (group["lag"], group["pending"]) == (0, 0)
    assert await redis.xlen(STREAM) == 0


async def test_a_worker_that_ended_is_no_listener(queue: Queue, redis: Redis, valkey: ValkeyServer) -> None:
    broker = RingBroker(valkey.url, consumer="other")
    rings = broker.rings()
    await queue.offer(uuid4(), uuid4())
    await anext(rings)
    assert await queue.listeners(read_within_s=60) == 1
    await rings.aclose()
    await broker.shutdown()
    assert await queue.listeners(read_within_s=60) == 0
    assert await redis.xinfo_consumers(STREAM, GROUP) == []


async def test_a_connection_that_redis_closed_loses_no_ring(queue: Queue, redis: Redis) -> None:
    assert await queue.offer(uuid4(), uuid4())
    await redis.client_kill_filter(_type="normal", skipme=True)
    assert await queue.offer(uuid4(), uuid4())
    assert await queue.unread() == 2


async def test_a_reader_whose_connection_redis_closed_reads_on(
    queue: Queue, redis: Redis, valkey: ValkeyServer
) -> None:
    await queue.offer(uuid4(), uuid4())
    broker = RingBroker(valkey.url, consumer="other")
    rings = broker.rings()
    await anext(rings)
    await redis.client_kill_filter(_type="normal", skipme=True)
    await queue.offer(uuid4(), uuid4())
    async with asyncio.timeout(5):
        await anext(rings)
    await rings.aclose()
    await broker.shutdown()


async def test_a_process_starts_without_redis(valkey: ValkeyServer) -> None:
    await valkey.stop()
    try:
        async with asyncio.timeout(5), open_queue(RingBroker(valkey.url)) as queue:
            assert not await queue.is_reachable()
    finally:
        await valkey.start()


async def test_without_redis_offering_fails_softly_and_soon(valkey: ValkeyServer, queue: Queue) -> None:
    await valkey.stop()
    try:
        async with asyncio.timeout(5):
            assert not await queue.offer(uuid4(), uuid4())
            assert await queue.unread() is None
            assert not await queue.is_reachable()
            for _ in range(20_000):
                queue.offer_soon(uuid4(), uuid4())
    finally:
        await valkey.start()


@asynccontextmanager
async def heard_nothing_of(answer_to: Callable[[bytes], bytes]) -> AsyncIterator[tuple[Queue, list[str]]]:
    """A queue at a server that answers each command of some bytes alike, and what was told of it to a listener."""

    async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while commands := await reader.read(65536):  # one or several, by Python's version
            writer.write(answer_to(commands) * commands.count(b"*"))
        writer.close()

    told: list[str] = []
    server = await asyncio.start_server(answer_all, "127.0.0.1", 0)
    broker = RingBroker(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", tell=told.append)
    async with server, open_queue(broker) as queue:
        rings = broker.rings()
        listening = asyncio.ensure_future(anext(rings))
        async with asyncio.timeout(10):
            while len(told) < 2 and not listening.done():
                await asyncio.sleep(0.02)
        yield queue, told
        assert not listening.done()
        listening.cancel()
        await asyncio.wait([listening])
        await rings.aclose()


@pytest.mark.parametrize(
    "answer", [b":5\r\n", b"*1\r\n:5\r\n", b"*x\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=str
)
async def test_whatever_answers_at_its_address_is_an_outage_not_an_end(answer: bytes) -> None:
    async with heard_nothing_of(lambda _: answer) as (queue, _):
        queue.offer_soon(uuid4(), uuid4())
        assert await queue.unread() is None
        assert await queue.listeners(read_within_s=60) is None


async def test_a_cluster_is_told_and_is_out() -> None:
    def as_a_node(commands: bytes) -> bytes:  # of two, of which the other has the stream's slot
        return b"-MOVED 2394 127.0.0.1:6379\r\n" if STREAM.encode() in commands else b"+OK\r\n"

    async with heard_nothing_of(as_a_node) as (queue, told):
        assert not await queue.is_reachable()
        assert told[0] == "Redis can't be used (it is a cluster: turn cluster mode off)"


async def test_a_listener_lives_through_a_restart_of_redis(
    valkey: ValkeyServer, queue: Queue, broker: RingBroker
) -> None:
    rings = broker.rings()
    heard = asyncio.create_task(anext(rings))
    await asyncio.sleep(0.2)
    await valkey.stop()
    await asyncio.sleep(0.3)
    await valkey.start()
    async with asyncio.timeout(15):
        while not heard.done():
            await queue.offer(uuid4(), uuid4())
            await asyncio.wait([heard], timeout=0.5)
    await rings.aclose()


async def test_a_redis_that_takes_no_writes_is_an_outage_not_an_end(
    valkey: ValkeyServer, queue: Queue, redis: Redis
) -> None:
    told: list[str] = []
    broker = RingBroker(valkey.url, consumer="other", tell=told.append)
    await redis.replicaof("127.0.0.1", 1)  # as after a failover
    try:
        rings = broker.rings()
        listening = asyncio.ensure_future(anext(rings))
        async with asyncio.timeout(5):
            while not told:
                await asyncio.sleep(0.02)
        assert not await queue.offer(uuid4(), uuid4())
        assert not listening.done()
    finally:
        await redis.replicaof("no", "one")
    async with asyncio.timeout(5):
        while not await queue.offer(uuid4(), uuid4()):
            await asyncio.sleep(0.1)
        await listening
    await rings.aclose()
    await broker.shutdown()


async def test_after_a_failover_rings_of_the_new_server_are_heard_though_the_old_one_keeps_its_connections_open(
    valkey: ValkeyServer, redis: Redis, run_folder: RunFolder
) -> None:
    """The address leads new connections elsewhere, as a name or a service does; the old server is a replica now."""
    async with open_valkey(run_folder) as old, Redis.from_url(old.url) as of_old:
        leads_to = old.port

        async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, to_there = await asyncio.open_connection("127.0.0.1", leads_to)
            await asyncio.gather(copy(reader, to_there), copy(there, writer))

        await of_old.config_set("requirepass", str(urlsplit(valkey.url).password))
        async with await asyncio.start_server(connect, "127.0.0.1", 0) as server:
            address = valkey.url.replace(f":{valkey.port}/", f":{server.sockets[0].getsockname()[1]}/")
            broker = RingBroker(address, consumer="other")
            async with open_queue(RingBroker(address)) as queue:
                rings = broker.rings()
                assert await queue.offer(uuid4(), uuid4())
                await anext(rings)
                leads_to = valkey.port
                await of_old.replicaof("127.0.0.1", 1)
                async with asyncio.timeout(15):
                    while not await queue.offer(uuid4(), uuid4()):
                        await asyncio.sleep(0.1)
                    await anext(rings)
                await rings.aclose()
            await broker.shutdown()
    assert await redis.xlen(STREAM) == 0
