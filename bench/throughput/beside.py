"""Workers of two trees at the same moment on one core: the CPU of a delivery with one, and with the other.

What else the machine does, it does to both. So a step of a few percent shows beside any load, where figures that were
measured in turn differ by more; the same code twice differs by 1 to 3 %.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from bench.throughput.deliveries import put_into_ledger
from bench.throughput.machine import fine_cpu_s
from bench.throughput.system import Ours, Program, Stub, System
from demo.embedded import DatabaseUrls
from demo.failure import RunFailed

_POLL_S = 0.1


@dataclass(slots=True)
class _Side:
    """One tree's worker, its stub and its database."""

    database: str
    stub: Stub
    worker: Program
    backends: dict[int, float] = field(default_factory=dict)
    """CPU of each process of PostgreSQL that served it, as it was read last."""

    async def read(self, connection: asyncpg.Connection[Any]) -> tuple[int, float, float]:
        """The notes so far, and the seconds of CPU of the worker and of PostgreSQL."""
        self.worker.check()
        for row in await connection.fetch("select pid from pg_stat_activity where datname = $1", self.database):
            self.backends[row["pid"]] = fine_cpu_s(row["pid"]) or self.backends.get(row["pid"], 0.0)
        notes = sum(map(len, (await self.stub.told())["notes"].values()))
        return notes, fine_cpu_s(self.worker.pid), sum(self.backends.values())


async def measure_beside(
    system: System,
    sides: tuple[Ours, Ours],
    *,
    deliveries: int,
    rounds: int,
    data: Path | None,
    tell: Callable[[str], None],
) -> None:
    """Tell of each round the CPU of a delivery, from a tenth of the notes on until one side has nearly all."""
    connection = await asyncpg.connect(system.postgres.superuser_url("postgres"))
    try:
        for _ in range(rounds):
            async with AsyncExitStack() as stack:
                waiting = [await _put(system, ours, deliveries, data, stack) for ours in sides]
                await system.empty_valkey()  # rings are for either; both relays ring anew
                both = []
                for ours, (urls, name, stub) in zip(sides, waiting, strict=True):
                    both.append(_Side(name, stub, ours.start_worker(urls, stub)))
                    stack.push_async_callback(both[-1].worker.end)
                begun = [await each.read(connection) for each in both]
                while min(read[0] for read in begun) < deliveries // 10:
                    await asyncio.sleep(_POLL_S)
                    begun = [await each.read(connection) for each in both]
                ended = begun
                while max(read[0] for read in ended) < deliveries * 0.9:
                    await asyncio.sleep(_POLL_S)
                    ended = [await each.read(connection) for each in both]
            tell(_told(begun, ended))
    finally:
        await connection.close()


async def _put(
    system: System, ours: Ours, deliveries: int, data: Path | None, stack: AsyncExitStack
) -> tuple[DatabaseUrls, str, Stub]:
    """A database with *deliveries* due, and a stub."""
    name = f"beside_{uuid4().hex[:8]}"
    urls = await ours.fresh(name)
    stub = await stack.enter_async_context(system.open_stub())
    ours.write_tenants(stub.url)
    await put_into_ledger(system, urls, deliveries, folder=data)
    return urls, name, stub


def _told(begun: list[tuple[int, float, float]], ended: list[tuple[int, float, float]]) -> str:
    notes = [after[0] - before[0] for before, after in zip(begun, ended, strict=True)]
    if not all(notes):
        raise RunFailed("one of them wrote nothing meanwhile")
    figures = []
    for name, at in (("worker", 1), ("PostgreSQL", 2)):
        one, other = ((ended[side][at] - begun[side][at]) / notes[side] * 1e3 for side in (0, 1))
        figures.append(f"{name} {one:.2f} and {other:.2f} ms: {one / other:.3f}")
    return "; ".join(figures) + f" ({notes[0]} and {notes[1]} notes)"
