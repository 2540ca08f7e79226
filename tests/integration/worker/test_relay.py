"""Work goes on without the doorbell, and what the relay began is let end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from redis.asyncio import Redis

from app.db.ledger.claims import Ledger
from app.queue import GROUP, STREAM
from demo.embedded import DatabaseUrls, ValkeyServer
from tests.integration.nobody import run_as_nobody
from tests.integration.processes import open_worker_process
from tests.integration.worker.conftest import Stage, eventually


async def test_a_redis_that_takes_no_writes_leaves_the_work_to_the_relay(stage: Stage, valkey: ValkeyServer) -> None:
    ticket_id = stage.ticket()
    await stage.deliver(ticket_id)
    await run_as_nobody(stage.database, "update due set due_at = now() - interval '1 minute'")
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()
        await redis.replicaof("127.0.0.1", 1)  # as after a failover
        try:
            with structlog.testing.capture_logs() as logs:
                await stage.worker.relay.pass_once()
            await eventually(lambda: stage.notes(ticket_id))
        finally:
            await redis.replicaof("no", "one")

    assert len(stage.notes(ticket_id)) == 1
    assert "rang_again" not in {line["event"] for line in logs}


async def test_what_rings_do_not_tell_is_begun_by_the_relay(stage: Stage, valkey: ValkeyServer) -> None:
    ticket_id = stage.ticket()
    await stage.deliver(ticket_id)
    await run_as_nobody(stage.database, "update due set due_at = now() - interval '1 minute'")
    async with deaf(valkey) as redis:
        for _ in range(2):
            await stage.worker.relay.pass_once()
        await eventually(lambda: stage.notes(ticket_id))
        assert await redis.xlen(STREAM)


async def test_one_overdue_pass_and_another_much_later_are_not_two_in_a_row(stage: Stage, valkey: ValkeyServer) -> None:
    async with deaf(valkey):
        with structlog.testing.capture_logs() as logs:
            for _ in range(2):
                await stage.deliver(stage.ticket())
                await run_as_nobody(stage.database, "update due set due_at = now() - interval '1 minute'")
                await stage.worker.relay.pass_once()
                await stage.work()
                await stage.worker.relay.pass_once()  # nothing waits
    told = [line["event"] for line in logs]
    assert told.count("rang_again") == 1, "the ring of the first is unread"
    assert "rings_unread" not in told


@asynccontextmanager
async def deaf(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    """A Redis that takes rings and tells nobody of them."""
    async with Redis.from_url(valkey.url) as redis:
        await redis.delete(STREAM)
        await redis.xgroup_create(STREAM, GROUP, id=f"{2**64 - 1}-{2**64 - 1}", mkstream=True)
        yield redis
        await redis.delete(STREAM)


async def test_where_rings_lead_to_claims_that_take_long_the_relay_begins_no_more(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, may_end = 0, asyncio.Event()

    async def claim_slowly(_: Ledger) -> None:
        nonlocal claims
        claims += 1
        await may_end.wait()

    monkeypatch.setattr(Ledger, "claim_next", claim_slowly)
    await stage.deliver(stage.ticket())
    await run_as_nobody(stage.database, "update due set due_at = now() - interval '1 minute'")
    of_a_ring = asyncio.create_task(stage.worker.attempts.work())
    for _ in range(3):
        await stage.worker.relay.pass_once()
        await asyncio.sleep(0)
    may_end.set()
    await of_a_ring
    assert claims == 1


async def test_what_the_relay_began_without_redis_may_end_after_a_sigterm(
    stage: Stage, urls: DatabaseUrls, valkey: ValkeyServer, tmp_path: Path
) -> None:
    ticket_id = stage.ticket()
    stage.model.behave("slow", seconds=3)
    await valkey.stop()
    try:
        async with open_worker_process(
            urls, valkey, tmp_path, tmp_path / "worker.log", OPENAI_BASE_URL=stage.model.url
        ) as worker:
            job_id = await stage.deliver(ticket_id)
            await eventually(lambda: stage.model.calls)
            assert await worker.end() == 0
    finally:
        await valkey.start()

    assert len(stage.notes(ticket_id)) == 1
    assert (await stage.delivery(job_id)).status == "done"
