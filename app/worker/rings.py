"""Begins work for each ring, at most so much at once.

In place of taskiq's receiver, which made four tasks for each ring and read its message: half a millisecond of CPU, to
learn that there may be work.

Invariant: a ring is read only when its work may begin, so the unread rings are the queue's depth.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

import structlog

from app.errors import Code

_CANCEL_AGAIN_S: Final = 5.0
"""Longer than what ends a reading takes."""

log = structlog.get_logger(__name__)


async def work_on_rings(
    rings: AsyncGenerator[bytes, None],
    work: Callable[[], Awaitable[object]],
    *,
    most: int,
    stop: asyncio.Event,
    cancel_again_s: float = _CANCEL_AGAIN_S,
) -> set[asyncio.Task[None]]:
    """Await *work* once for each of *rings*, *most* side by side, until *stop* is set. Returns what runs then.

    Raises:
        Exception: *rings* ended with it.
    """
    free = asyncio.Semaphore(most)
    begun: set[asyncio.Task[None]] = set()

    async def work_once() -> None:
        try:
            await work()
        except Exception as error:  # the next ring may find other work
            log.error("ring_crashed", code=Code.INTERNAL_ERROR, exc_info=error)
        finally:
            free.release()

    async def read() -> None:
        await free.acquire()
        async for _ in rings:
            task = asyncio.create_task(work_once())
            begun.add(task)
            task.add_done_callback(begun.discard)
            await free.acquire()

    reading, stopping = asyncio.create_task(read()), asyncio.create_task(stop.wait())
    await asyncio.wait([reading, stopping], return_when=asyncio.FIRST_COMPLETED)
    if reading.done():
        reading.result()
    stopping.cancel()
    # Once more while it goes on: a library may lose a cancellation that comes as what it waits for ends.
    while not reading.done():
        reading.cancel()
        await asyncio.wait([reading], timeout=cancel_again_s)
    await rings.aclose()
    return begun
