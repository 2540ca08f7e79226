"""Which deliveries are committed together, and which beside one another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.db.ledger.intake import MAX_BATCH, AcceptedDelivery, Intake

TENANT = UUID(int=1)


class FakePool:
    """Connections whose commits end when the test says so; *sizes*: how many deliveries each had, in their order."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._ends: list[asyncio.Event] = []

    async def acquire(self, *, timeout: float) -> FakePool:  # noqa: ARG002, ASYNC109 - the driver's
        return self

    def is_closed(self) -> bool:
        return False

    async def fetchval(self, _statement: str, ids: Sequence[UUID], *_: Any, timeout: float) -> list[None]:  # noqa: ARG002, ASYNC109
        self.sizes.append(len(ids))
        self._ends.append(asyncio.Event())
        await self._ends[-1].wait()
        return [None] * len(ids)

    async def end(self, *numbers: int) -> None:
        for number in numbers:
            self._ends[number].set()
        for _ in range(10):
            await asyncio.sleep(0)


@pytest.fixture
def pool() -> FakePool:
    return FakePool()


@pytest.fixture
def intake(pool: FakePool) -> Intake:
    return Intake(cast("asyncpg.Pool[Any]", pool), writers=3)


async def send(intake: Intake, count: int) -> list[asyncio.Task[None]]:
    sent = [
        asyncio.create_task(
            intake.accept(AcceptedDelivery(TENANT, uuid4(), str(number), "ticket_created", b"{}", None))
        )
        for number in range(count)
    ]
    for _ in range(10):
        await asyncio.sleep(0)
    return sent


async def test_of_many_half_are_committed_while_the_others_are_read(pool: FakePool, intake: Intake) -> None:
    sent = await send(intake, 32)
    assert pool.sizes == [16]
    await pool.end(0)
    assert pool.sizes == [16, 16]
    assert [each.done() for each in sent] == [True] * 16 + [False] * 16
    await pool.end(1)
    await asyncio.gather(*sent)


async def test_few_are_committed_at_once_side_by_side(pool: FakePool, intake: Intake) -> None:
    sent = [task for _ in range(3) for task in await send(intake, 1)]
    assert pool.sizes == [1, 1, 1]
    await pool.end(0, 1, 2)
    await asyncio.gather(*sent)


async def test_where_more_wait_than_are_in_a_commit_another_writer_takes_them(pool: FakePool, intake: Intake) -> None:
    sent = await send(intake, 16)
    sent += await send(intake, 16)
    assert pool.sizes == [16]
    sent += await send(intake, 1)
    assert pool.sizes == [16, 16]
    await pool.end(0, 1)
    await pool.end(2)
    await asyncio.gather(*sent)


async def test_a_batch_has_a_bound(pool: FakePool, intake: Intake) -> None:
    sent = await send(intake, 1_000)
    assert max(pool.sizes) == MAX_BATCH
    while not all(task.done() for task in sent):
        await pool.end(*range(len(pool.sizes)))
    await asyncio.gather(*sent)


async def test_a_commit_that_hangs_keeps_nobody_waiting_for_long(pool: FakePool) -> None:
    intake = Intake(cast("asyncpg.Pool[Any]", pool), writers=3, patience_s=0.01)
    hanging = await send(intake, 16)
    sent = await send(intake, 20)  # the second writer takes 16 of them, and 4 wait, with nobody after them
    await pool.end(1)
    async with asyncio.timeout(5):
        while len(pool.sizes) < 3:
            await asyncio.sleep(0.01)
    await pool.end(2)
    await asyncio.gather(*sent)
    assert pool.sizes == [16, 16, 4]
    assert not any(each.done() for each in hanging)
    await pool.end(0)
    await asyncio.gather(*hanging)
