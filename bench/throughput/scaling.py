"""One, two and four workers, one and two APIs: what each more brings, and what is short.

Each process may use every core, as pods on one node do. So on a machine of two cores this tells whether processes get
in one another's way (by locks, by what each asks PostgreSQL all the time) as long as the cores are not used up; not how
far it goes on more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from bench.throughput.deliveries import put_into_ledger
from bench.throughput.load import Answers, Loader
from bench.throughput.machine import ALL_CORES, cpu_s, machine_cpu_s
from bench.throughput.measures import CONNECTIONS, count_notes
from bench.throughput.system import Ours, Program, System

_WARM_UP_S: Final = 4.0
_NEARLY: Final = 0.9
_USED_UP: Final = 0.93
# More notes a second than two cores write.
_MOST_BY_CPU: Final = 100


@dataclass(frozen=True, slots=True)
class _Used:
    """Seconds, until now or of a part of it."""

    at: float
    programs: float
    postgres: float
    machine: float

    @classmethod
    def now(cls, system: System, programs: Sequence[Program]) -> _Used:
        cpu = sum(program.cpu_s for program in programs)
        return cls(time.monotonic(), cpu, cpu_s(system.postgres.pid), machine_cpu_s())

    def since(self, before: _Used) -> _Used:
        return _Used(
            self.at - before.at,
            self.programs - before.programs,
            self.postgres - before.postgres,
            self.machine - before.machine,
        )

    def told(self, done: int, *, most: float | None = None) -> str:
        """What each of *done* took, and what is short. *most*: a second, by the slots."""
        cores, have = self.machine / self.at, len(ALL_CORES)
        parts = (
            f"{self.programs / done * 1e3:.2f} ms of them and {self.postgres / done * 1e3:.2f} of PostgreSQL for each"
        )
        parts += f"; {cores:.2f} of {have} cores in use"
        if cores > _USED_UP * have:
            return f"{parts}: the machine's CPU is short"
        return f"{parts}: slots are short" if most and done / self.at > _NEARLY * most else parts


async def measure_workers(
    system: System,
    ours: Ours,
    counts: Sequence[int],
    *,
    slots: int,
    latency_s: float,
    seconds: float,
    data: Path | None,
) -> list[str]:
    """A line for each number of workers with *slots* each and a model that takes *latency_s*."""
    lines = []
    for count in counts:
        most = count * slots / latency_s if latency_s else None
        urls = await ours.fresh(f"workers_{uuid4().hex[:8]}")
        await system.empty_valkey()
        async with system.open_stub() as stub:
            ours.write_tenants(stub.url)
            await stub.set_latency(latency_s)
            await put_into_ledger(system, urls, int((most or _MOST_BY_CPU) * (seconds + 3 * _WARM_UP_S)), folder=data)
            of_each = {"WORKER_CONCURRENCY": str(slots)}
            workers = [ours.start_worker(urls, stub, variables=of_each) for _ in range(count)]
            try:
                await count_notes(stub, workers[0], at_least=1)
                await asyncio.sleep(_WARM_UP_S)
                before, began = await count_notes(stub, workers[0]), _Used.now(system, workers)
                await asyncio.sleep(seconds)
                notes = await count_notes(stub, workers[0]) - before
                used = _Used.now(system, workers).since(began)
            finally:
                await asyncio.gather(*(worker.end() for worker in workers))
        rate = notes / used.at
        lines.append(f"{count} workers: {rate:.1f} notes/s, {rate / count:.1f} each; {used.told(notes, most=most)}")
    return lines


async def measure_apis(system: System, ours: Ours, loaders: Sequence[Loader], *, seconds: float) -> list[str]:
    """A line for one API and for as many as *loaders*, each of which sends to one of them as much as it answers."""
    lines = []
    for count in range(1, len(loaders) + 1):
        urls = await ours.fresh(f"apis_{uuid4().hex[:8]}")
        ours.write_tenants("http://127.0.0.1:1")
        apis = [ours.start_api(urls) for _ in range(count)]
        programs, ports = [api for api, _ in apis], [port for _, port in apis]
        try:
            for api, port in apis:
                await api.answers(f"http://127.0.0.1:{port}/health/ready")
            await _load(loaders, ports, seconds=1)
            began = _Used.now(system, programs)
            answers = await _load(loaders, ports, seconds=seconds)
            used = _Used.now(system, programs).since(began)
        finally:
            await asyncio.gather(*(api.end() for api in programs))
        accepted = sum(len(each.seconds) for each in answers)
        lines.append(f"{count} APIs: {accepted / used.at:,.0f} webhooks/s; {used.told(accepted)}")
    return lines


async def _load(loaders: Sequence[Loader], ports: Sequence[int], *, seconds: float) -> list[Answers]:
    runs = zip(loaders, ports, strict=False)
    return await asyncio.gather(*(each.run(port, connections=CONNECTIONS, seconds=seconds) for each, port in runs))
