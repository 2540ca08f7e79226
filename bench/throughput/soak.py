"""An API and a worker under the same load for a long time: whether their memory grows."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from statistics import linear_regression
from typing import Final

from bench.throughput.load import Loader
from bench.throughput.machine import anonymous_mib, cpu_s, machine_cpu_s
from bench.throughput.system import Ours, System

_EVERY_S: Final = 10.0
_MODEL_S: Final = 0.2
# Notes that are still to come when the last webhook was answered.
_AFTERWARDS_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Allocated memory of both, in MiB, and the worker's CPU, in seconds, some minutes after the load began."""

    minute: float
    api: float
    worker: float
    worker_s: float


async def measure_soak(
    system: System, ours: Ours, loader: Loader, *, rate: float, minutes: float, settled_after: float
) -> str:
    """The report about *minutes* at *rate* webhooks a second. Memory may grow for the minutes *settled_after*."""
    urls = await ours.fresh("soak")
    async with system.open_stub() as stub:
        ours.write_tenants(stub.url)
        await stub.set_latency(_MODEL_S)
        api, port = ours.start_api(urls)
        worker = ours.start_worker(urls, stub)
        samples: list[Sample] = []
        try:
            await api.answers(f"http://127.0.0.1:{port}/health/ready")
            pids = [program.pid for program in (api, worker, stub.program)] + [system.postgres.pid, system.valkey.pid]
            began, machine_before, ours_before = time.monotonic(), machine_cpu_s(), sum(map(cpu_s, pids))

            async def watch() -> None:
                while True:
                    worker.check()
                    minute = (time.monotonic() - began) / 60
                    samples.append(Sample(minute, anonymous_mib(api.pid), anonymous_mib(worker.pid), worker.cpu_s))
                    await asyncio.sleep(_EVERY_S)

            watching = asyncio.create_task(watch())
            try:
                answers = await loader.run(port, connections=8, seconds=minutes * 60, rate=rate)
                await asyncio.sleep(_AFTERWARDS_S)
            finally:
                watching.cancel()
            used = sum(map(cpu_s, pids)) - ours_before
            others = (machine_cpu_s() - machine_before - used) / (time.monotonic() - began)
            notes = len((await stub.told())["notes"])
        finally:
            await worker.end()
            await api.end()
    accepted = len(answers.seconds)
    # Where the machine is short of CPU, webhooks are accepted and wait, and the worker's memory is not tried.
    short = " : fewer than nine of ten, ask for a lower --rate" if notes < 0.9 * accepted else ""
    worker_cores = samples[-1].worker_s / (samples[-1].minute * 60)
    return "\n".join(
        [
            f"{answers.took_s / 60:.0f} minutes; {accepted:,} webhooks accepted ({answers.rate:.1f} a second)",
            f"{answers.refused} refused; {notes:,} notes{short}; the worker took {worker_cores:.2f} cores",
            f"answer p50 {answers.percentile(0.5):.1f} ms, p99 {answers.percentile(0.99):.1f} ms",
            f"other processes took {others:.2f} cores",
            *(_line(name, samples, settled_after=settled_after) for name in ("api", "worker")),
        ]
    )


def _line(name: str, samples: list[Sample], *, settled_after: float) -> str:
    whole = [(sample.minute, float(getattr(sample, name))) for sample in samples]
    rest = [point for point in whole if point[0] >= settled_after]
    if len(rest) < 6:
        return f"{name}: {whole[-1][1]:.0f} MiB; too short for a slope"
    told = ", ".join(f"{mib:.1f}" for _, mib in rest[:: max(len(rest) // 5, 1)])
    halves = [slope(half) for half in (rest, rest[len(rest) // 2 :])]
    whole_told, last_told = (f"{grows * 60:+.2f} ± {error * 60:.2f} MiB an hour" for grows, error in halves)
    return (
        f"{name}: {whole[0][1]:.1f} MiB at first, from minute {rest[0][0]:.0f} on {told}, at last {rest[-1][1]:.1f}: "
        f"{whole_told}; in the second half {last_told}"
    )


def slope(points: list[tuple[float, float]]) -> tuple[float, float]:
    """The line through *points* (x, y) with the least squares: how much y grows for 1 of x, and the standard error."""
    xs, ys = zip(*points, strict=True)
    line = linear_regression(xs, ys)
    missed = sum((y - line.intercept - line.slope * x) ** 2 for x, y in points)
    middle = sum(xs) / len(xs)
    return line.slope, math.sqrt(missed / (len(points) - 2) / sum((x - middle) ** 2 for x in xs))
