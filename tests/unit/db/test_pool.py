"""Who gets which connection, and what becomes of those that are broken, not needed or in use at the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from app.db.pool import ConnectionPool

_LIMIT = timedelta(seconds=0.05)


@dataclass(eq=False)
class FakeConnection:
    is_open: bool = True
    hangs: bool = False

    def is_closed(self) -> bool:
        return not self.is_open

    def terminate(self) -> None:
        self.is_open = False

    async def close(self, *, timeout: float) -> None:  # noqa: ASYNC109 - the driver's
        if self.hangs:
            await asyncio.sleep(timeout)
            raise TimeoutError
        self.is_open = False


class FakeServer:
    def __init__(self) -> None:
        self.connections: list[FakeConnection] = []
        self.is_down = False

    async def connect(self) -> Any:
        await asyncio.sleep(0)
        if self.is_down:
            raise OSError
        self.connections.append(FakeConnection())
        return self.connections[-1]

    @property
    def open(self) -> int:
        return sum(each.is_open for each in self.connections)


async def test_no_more_than_size_are_lent_and_who_waits_gets_the_next_that_comes_back() -> None:
    server = FakeServer()
    pool = ConnectionPool(server.connect, size=2)
    first, second = [await pool.borrow(limit=_LIMIT) for _ in range(2)]
    assert first is not second
    with pytest.raises(TimeoutError):
        await pool.borrow(limit=_LIMIT)
    waiting = asyncio.create_task(pool.borrow(limit=timedelta(seconds=5)))
    await asyncio.sleep(0)
    pool.give_back(second)
    assert await waiting is second
    assert len(server.connections) == 2


async def test_one_that_gives_up_waiting_takes_no_place_with_it() -> None:
    server = FakeServer()
    pool = ConnectionPool(server.connect, size=1)
    lent = await pool.borrow(limit=_LIMIT)
    waiting = [asyncio.create_task(pool.borrow(limit=timedelta(seconds=5))) for _ in range(3)]
    await asyncio.sleep(0)
    pool.give_back(lent)
    for each in waiting:  # also the one that is just being given its place
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await pool.borrow(limit=_LIMIT) is lent


async def test_a_broken_connection_is_not_lent_again_and_a_failed_connect_takes_no_place() -> None:
    server = FakeServer()
    pool = ConnectionPool(server.connect, size=1)
    broken: Any = await pool.borrow(limit=_LIMIT)
    pool.give_back(broken)
    broken.terminate()
    server.is_down = True
    for _ in range(2):
        with pytest.raises(OSError):  # noqa: PT011 - the driver's
            await pool.borrow(limit=_LIMIT)
    server.is_down = False
    assert await pool.borrow(limit=_LIMIT) is not broken


async def test_the_one_used_last_is_lent_next_and_those_that_nobody_needs_are_closed() -> None:
    server = FakeServer()
    pool = ConnectionPool(server.connect, size=3)
    lent: list[Any] = [await pool.borrow(limit=_LIMIT) for _ in range(3)]
    for each in lent:
        pool.give_back(each)
    assert await pool.borrow(limit=_LIMIT) is lent[-1]
    assert server.open == 3
    pool.idle_limit = timedelta(0)
    pool.give_back(lent[-1])
    assert [each.is_open for each in lent] == [False, True, True]


async def test_at_the_end_all_are_closed_and_one_whose_user_hangs_is_cut_off() -> None:
    server = FakeServer()
    pool = ConnectionPool(server.connect, size=2)
    used: Any = await pool.borrow(limit=_LIMIT)
    used.hangs = True
    pool.give_back(await pool.borrow(limit=_LIMIT))
    await pool.close(limit=_LIMIT)
    assert server.open == 0
