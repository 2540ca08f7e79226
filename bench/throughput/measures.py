"""What is measured of one side: its intake, its worker, and the way from webhook to note."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol
from uuid import uuid4

from bench.throughput.corpus import FIRST_ID
from bench.throughput.load import Loader
from bench.throughput.machine import cpu_s, machine_cpu_s, pss_mib
from bench.throughput.system import Program, Stub, System
from demo.embedded import DatabaseUrls, find_free_port
from demo.failure import RunFailed

CONNECTIONS: Final = 32
LATENCY_S: Final = 2.0
_POLL_S: Final = 0.1
# What is done after the answer (rings, log lines) counts too.
AFTERWARDS_S: Final = 0.5


class Side(Protocol):
    """The product, or the usual stack."""

    @property
    def name(self) -> str: ...

    async def prepare(self) -> None: ...

    async def fresh(self, name: str) -> DatabaseUrls: ...

    def write_tenants(self, help_desk: str) -> None: ...

    def start_api(self, urls: DatabaseUrls) -> tuple[Program, int]: ...

    def start_worker(self, urls: DatabaseUrls, stub: Stub, *, slots: Literal["few", "many"]) -> Program: ...

    def in_work(self, slots: Literal["few", "many"]) -> int:
        """How many deliveries such a worker has in work at most."""
        ...


@dataclass(slots=True)
class Figures:
    """The figures of one side in one pair, by row; and what other processes took meanwhile, in cores at most."""

    values: dict[str, float] = field(default_factory=dict)
    others: float = 0.0


@dataclass(frozen=True, slots=True)
class Times:
    """How long each part is measured, in seconds."""

    load: float
    work: float


class Bench:
    """Measures sides on one system."""

    def __init__(self, system: System, loader: Loader, times: Times) -> None:
        self._system = system
        self._loader = loader
        self._times = times

    async def intake(self, side: Side, figures: Figures, *, third: float) -> None:
        """Rows about webhooks. *third*: of what the peer accepts at most, a second."""
        async with self._open_api(side) as (api, port, _):
            await self._loader.run(port, connections=CONNECTIONS, seconds=1)  # code and connections get warm
            await asyncio.sleep(1)
            # Saturated last: PostgreSQL writes and vacuums its rows for a while, more with the quicker side.
            for name, rate in (("50", 50.0), ("200", 200.0), ("third", third), ("saturated", 0.0)):
                async with self._watch(figures):
                    before, postgres_before = api.cpu_s, cpu_s(self._system.postgres.pid)
                    answers = await self._loader.run(port, connections=CONNECTIONS, seconds=self._times.load, rate=rate)
                    await asyncio.sleep(AFTERWARDS_S)
                    used, used_by_postgres = api.cpu_s - before, cpu_s(self._system.postgres.pid) - postgres_before
                accepted = len(answers.seconds)
                if answers.refused:
                    left = f"{side.name} refused {answers.refused} webhooks, or gave no answer"
                    raise RunFailed(f"{left}, and took {accepted}")
                values = figures.values
                if not rate:
                    values["accepted/s"] = answers.rate
                values[f"API µs, {name}"] = used / accepted * 1e6
                values[f"PostgreSQL µs a webhook, {name}"] = used_by_postgres / accepted * 1e6
                values[f"answer p50 ms, {name}"] = answers.percentile(0.5)
                values[f"answer p99 ms, {name}"] = answers.percentile(0.99)
        figures.values["API, 50 to saturated"] = figures.values["API µs, 50"] / figures.values["API µs, saturated"]

    async def saturation(self, side: Side) -> float:
        """What *side* accepts a second, roughly."""
        async with self._open_api(side) as (_, port, _urls):
            await self._loader.run(port, connections=CONNECTIONS, seconds=1)
            return (await self._loader.run(port, connections=CONNECTIONS, seconds=3)).rate

    async def work(self, side: Side, figures: Figures, *, slots: Literal["few", "many"], deliveries: int) -> None:
        """Rows about a worker that finds *deliveries* due: as fast as it can, or with many in work at once."""
        values, is_many = figures.values, slots == "many"
        async with self._open_api(side) as (_, port, urls):
            accepted = 0
            while accepted < deliveries:
                accepted += len((await self._loader.run(port, connections=CONNECTIONS, seconds=1)).seconds)
        async with self._system.open_stub() as stub, self._watch(figures):
            side.write_tenants(stub.url)
            await stub.set_latency(LATENCY_S if is_many else 0)
            worker = side.start_worker(urls, stub, slots=slots)
            try:
                await count_notes(stub, worker, at_least=1)
                # Until code and connections are warm; with many in work, until the first of them have ended.
                await asyncio.sleep(2 * LATENCY_S if is_many else 2)
                postgres = self._system.postgres.pid
                at, begun = time.monotonic(), await count_notes(stub, worker)
                before, postgres_before = worker.cpu_s, cpu_s(postgres)
                memory = 0.0
                while time.monotonic() < at + self._times.work:
                    await asyncio.sleep(1)
                    memory = max(memory, pss_mib(worker.pid))
                notes = await count_notes(stub, worker) - begun
                used, used_by_postgres = worker.cpu_s - before, cpu_s(postgres) - postgres_before
                took = time.monotonic() - at
                if begun + notes >= accepted:
                    raise RunFailed(f"{side.name} wrote all {accepted} notes before the time was over")
                first = min(min(times) for times in (await stub.told())["notes"].values())
            finally:
                await worker.end()
        told = f", {slots}"
        values[f"notes/s{told}"] = notes / took
        values[f"worker ms{told}"] = used / max(notes, 1) * 1e3
        values[f"PostgreSQL ms{told}"] = used_by_postgres / max(notes, 1) * 1e3
        values[f"PSS MiB{told}"] = memory
        values[f"PSS MiB in work{told}"] = memory / side.in_work(slots)
        values[f"first note s{told}"] = first - worker.started_at

    async def way(self, side: Side, figures: Figures) -> None:
        """Rows about the time from webhook to note."""
        async with (
            self._system.open_stub() as stub,
            self._open_api(side, help_desk=stub.url) as (_, port, urls),
        ):
            worker = side.start_worker(urls, stub, slots="few")
            try:
                await self._loader.run(port, connections=4, seconds=1, rate=4)
                await count_notes(stub, worker, at_least=4)
                for rate in (4, 20):
                    async with self._watch(figures):
                        before = await count_notes(stub, worker)
                        answers = await self._loader.run(port, connections=8, seconds=self._times.load, rate=rate)
                        await count_notes(stub, worker, at_least=before + len(answers.sent))
                    notes = (await stub.told())["notes"]
                    waits = sorted(min(notes[str(FIRST_ID + number)]) - at for number, at in answers.sent.items())
                    figures.values[f"webhook to note p50 ms, {rate}/s"] = waits[len(waits) // 2] * 1e3
                    figures.values[f"webhook to note p99 ms, {rate}/s"] = waits[int(len(waits) * 0.99)] * 1e3
            finally:
                await worker.end()

    async def floors(self, side: Side) -> list[str]:
        """A line for each part of the intake by itself, on the server's core."""
        port = find_free_port()
        urls = await side.fresh(f"floor_{uuid4().hex[:8]}")
        bare = self._start_floor("http", str(port))
        try:
            await bare.answers(f"http://127.0.0.1:{port}/")
            self._loader.rewind()
            await self._loader.run(port, connections=CONNECTIONS, seconds=1)
            before = bare.cpu_s
            answers = await self._loader.run(port, connections=CONNECTIONS, seconds=3)
            used = (bare.cpu_s - before) / len(answers.seconds) * 1e6
        finally:
            await bare.end()
        stores = self._start_floor("stores", urls.intake, self._system.valkey.url)
        lines = await stores.finish()
        return [f"bare Granian with body and HMAC: {answers.rate:,.0f}/s, {used:,.0f} µs of its CPU each", *lines]

    def _start_floor(self, *arguments: str) -> Program:
        return Program(
            [sys.executable, "-m", "bench.throughput.floor", *arguments],
            variables={},
            log=self._system.log("floor"),
            run=self._system.run,
        )

    @asynccontextmanager
    async def _open_api(
        self, side: Side, *, help_desk: str = "http://127.0.0.1:1"
    ) -> AsyncIterator[tuple[Program, int, DatabaseUrls]]:
        """The API of *side*, ready, on a database of its own, with an empty Redis."""
        urls = await side.fresh(f"{side.name}_{uuid4().hex[:8]}")
        await self._system.empty_valkey()
        self._loader.rewind()
        side.write_tenants(help_desk)
        api, port = side.start_api(urls)
        try:
            await api.answers(f"http://127.0.0.1:{port}/health/ready")
            yield api, port, urls
        finally:
            await api.end()

    @asynccontextmanager
    async def _watch(self, figures: Figures) -> AsyncIterator[None]:
        """Note what processes other than ours took in this block."""
        at, all_before, ours_before = time.monotonic(), machine_cpu_s(), cpu_s(os.getpid())
        yield
        others = (machine_cpu_s() - all_before) - (cpu_s(os.getpid()) - ours_before)
        figures.others = max(figures.others, others / (time.monotonic() - at))


async def count_notes(stub: Stub, worker: Program, *, at_least: int = 0, limit_s: float = 120) -> int:
    """The number of notes, once there are *at_least* so many."""
    deadline = time.monotonic() + limit_s
    while (notes := len((await stub.told())["notes"])) < at_least:
        worker.check()
        if time.monotonic() > deadline:
            raise RunFailed(f"{notes} notes came in {limit_s:g} s, not {at_least}")
        await asyncio.sleep(_POLL_S)
    return notes
