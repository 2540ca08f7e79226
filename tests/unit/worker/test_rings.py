"""Work on rings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest

from app.worker.rings import work_on_rings


async def _endless(read: list[int]) -> AsyncGenerator[bytes, None]:
    while True:
        read.append(len(read))
        yield b""


async def test_a_ring_is_read_only_when_its_work_may_begin() -> None:
    stop, read, hold = asyncio.Event(), list[int](), asyncio.Event()
    listening = asyncio.create_task(work_on_rings(_endless(read), hold.wait, most=3, stop=stop))
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(read) == 3
    stop.set()
    at_work = await listening
    assert len(at_work) == 3, "they are left to their end"
    hold.set()
    await asyncio.wait(at_work)


async def test_work_that_fails_is_not_the_last() -> None:
    stop, begun = asyncio.Event(), list[int]()

    async def work() -> None:
        begun.append(1)
        if len(begun) == 5:
            stop.set()
        raise RuntimeError

    await work_on_rings(_endless([]), work, most=1, stop=stop)
    assert len(begun) >= 5


async def test_work_ends_though_a_cancellation_is_lost() -> None:
    """As `asyncio.wait_for` of Python 3.11 loses one that comes as what it waits for ends."""
    stop = asyncio.Event()

    async def rings() -> AsyncGenerator[bytes, None]:
        stop.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()
        yield b""

    async with asyncio.timeout(10):
        assert await work_on_rings(rings(), asyncio.Event().wait, most=1, stop=stop, cancel_again_s=0.01) == set()


async def test_rings_that_end_by_an_error_end_the_worker() -> None:
    async def broken() -> AsyncGenerator[bytes, None]:
        yield b""
        raise RuntimeError("broken")

    async def work() -> None:
        pass

    with pytest.raises(RuntimeError, match="broken"):
        await work_on_rings(broken(), work, most=1, stop=asyncio.Event())
