"""One API of ours and the webhooks that it accepts: what each of them takes, at some rates."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bench.throughput.deliveries import profiler
from bench.throughput.load import Loader
from bench.throughput.machine import cpu_s, machine_cpu_s
from bench.throughput.measures import AFTERWARDS_S, CONNECTIONS
from bench.throughput.system import Ours, System


async def measure_api(
    system: System, ours: Ours, loader: Loader, *, rates: Sequence[float], seconds: float, profile: Path | None
) -> str:
    """The report: a line for each rate; 0 is as many as are answered."""
    urls = await ours.fresh("webhooks")
    ours.write_tenants("http://127.0.0.1:1")
    wrap, variables = profiler(profile) if profile else ((), {})
    api, port = ours.start_api(urls, wrap=wrap, variables=variables)
    lines = ["   rate   accepted/s   API µs   PostgreSQL µs   Valkey µs   p50 ms   p99 ms   other processes, cores"]
    try:
        await api.answers(f"http://127.0.0.1:{port}/health/ready")
        await loader.run(port, connections=CONNECTIONS, seconds=1)
        for rate in rates:
            await asyncio.sleep(1)
            pids = (api.pid, system.postgres.pid, system.valkey.pid)
            before, machine_before = [cpu_s(pid) for pid in pids], machine_cpu_s()
            answers = await loader.run(port, connections=CONNECTIONS, seconds=seconds, rate=rate)
            await asyncio.sleep(AFTERWARDS_S)
            used = [cpu_s(pid) - earlier for pid, earlier in zip(pids, before, strict=True)]
            each = [one / len(answers.seconds) * 1e6 for one in used]
            others = (machine_cpu_s() - machine_before - sum(used)) / (answers.took_s + AFTERWARDS_S)
            lines.append(
                f"{rate or 'most':>7} {answers.rate:12,.0f} {each[0]:8,.0f} {each[1]:15,.0f} {each[2]:11,.0f}"
                f" {answers.percentile(0.5):8.1f} {answers.percentile(0.99):8.1f} {others:8.2f} with the load generator"
                + f"; {answers.refused} refused"
                * bool(answers.refused)
            )
    finally:
        await api.end()
    return "\n".join(lines)
