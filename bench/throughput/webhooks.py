"""One API of ours and the webhooks that it accepts: what each of them takes, at some rates."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
from redis.asyncio import Redis

from bench.throughput.deliveries import profiler
from bench.throughput.load import Loader
from bench.throughput.machine import cpu_s, machine_cpu_s
from bench.throughput.measures import AFTERWARDS_S, CONNECTIONS
from bench.throughput.system import Ours, System
from demo.embedded import DatabaseUrls


async def measure_api(
    system: System, ours: Ours, loader: Loader, *, rates: Sequence[float], seconds: float, profile: Path | None
) -> str:
    """The report: a line for each rate; 0 is as many as are answered."""
    urls = await ours.fresh("webhooks")
    ours.write_tenants("http://127.0.0.1:1")
    wrap, variables = profiler(profile) if profile else ((), {})
    api, port = ours.start_api(urls, wrap=wrap, variables=variables)
    head = "   rate   accepted/s   API µs   PostgreSQL µs   Valkey µs   p50 ms   p99 ms   ring p99   ring max"
    lines = [head + "   cores of others and of the load generator"]
    try:
        await api.answers(f"http://127.0.0.1:{port}/health/ready")
        await loader.run(port, connections=CONNECTIONS, seconds=1)
        for rate in rates:
            await asyncio.sleep(1)
            await system.empty_valkey()
            pids = (api.pid, system.postgres.pid, system.valkey.pid)
            before, machine_before = [cpu_s(pid) for pid in pids], machine_cpu_s()
            answers = await loader.run(port, connections=CONNECTIONS, seconds=seconds, rate=rate)
            await asyncio.sleep(AFTERWARDS_S)
            used = [cpu_s(pid) - earlier for pid, earlier in zip(pids, before, strict=True)]
            each = [one / len(answers.seconds) * 1e6 for one in used]
            lags = await _ring_lags(system, urls)
            others = (machine_cpu_s() - machine_before - sum(used)) / (answers.took_s + AFTERWARDS_S)
            lines.append(
                f"{rate or 'most':>7} {answers.rate:12,.0f} {each[0]:8,.0f} {each[1]:15,.0f} {each[2]:11,.0f}"
                f" {answers.percentile(0.5):8.1f} {answers.percentile(0.99):8.1f}"
                f" {lags[int(len(lags) * 0.99)]:10.0f} {lags[-1]:10.0f} {others:8.2f}"
                + f"; {answers.refused} refused"
                * bool(answers.refused)
            )
    finally:
        await api.end()
    return "\n".join(lines)


async def _ring_lags(system: System, urls: DatabaseUrls) -> list[float]:
    """For each ring on the stream: milliseconds from when its delivery was committed; sorted."""
    connection = await asyncpg.connect(urls.superuser)
    try:
        rows = await connection.fetch(
            "select job_id, extract(epoch from pg_xact_commit_timestamp(xmin))::float8 as at from delivery"
        )
    finally:
        await connection.close()
    committed = {str(row["job_id"]): row["at"] for row in rows}
    lags: list[float] = []
    start = "-"
    async with Redis.from_url(system.valkey.url) as redis:
        while True:
            entries: Any = await redis.xrange("ai-agents:rings", min=start, count=5_000)
            if not entries:
                return sorted(lags)
            for entry, ring in entries:
                job_id = json.loads(ring[b"data"])["args"][1]
                lags.append(int(entry.partition(b"-")[0]) - committed[job_id] * 1e3)
            start = f"({entries[-1][0].decode()}"
