"""One worker of ours and the deliveries that wait for it: what each of them takes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg

from app.db.ledger.intake import AcceptedDelivery, open_intake
from app.queue import RingBroker, open_queue
from bench.throughput.corpus import FIRST_ID, load_texts, split, webhook_body
from bench.throughput.machine import UV_RUN, cpu_s, machine_cpu_s, pss_mib
from bench.throughput.system import TENANT_IDS, Ours, Program, Stub, System
from demo.embedded import DatabaseUrls
from demo.failure import RunFailed

_POLL_S: Final = 0.1
_STATEMENTS: Final = (
    "select coalesce(sum(calls), 0)::float8 from pg_stat_statements s join pg_database d on d.oid = s.dbid"
    " where d.datname = $1 and toplevel and query not like 'set local %'"
)
_WRITTEN: Final = (
    "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal, pg_database_size($1)::float8 as disk"
)
_TRANSACTIONS: Final = "select xact_commit + xact_rollback from pg_stat_database where datname = $1"


async def put_into_ledger(system: System, urls: DatabaseUrls, count: int, *, folder: Path | None) -> None:
    """Accept *count* deliveries of as many tickets, and ring for each."""
    _, new = split(load_texts(folder))
    async with open_intake(urls.intake) as intake, open_queue(RingBroker(system.valkey.url)) as queue:

        async def accept(number: int) -> None:
            tenant_id, ticket_id = TENANT_IDS[number % len(TENANT_IDS)], str(FIRST_ID + number)
            body = webhook_body(new, number)
            delivery = AcceptedDelivery(tenant_id, uuid4(), ticket_id, "ticket_created", body, None)
            await intake.accept(delivery)
            queue.offer_soon(tenant_id, delivery.job_id)

        for first in range(0, count, 500):
            await asyncio.gather(*(accept(number) for number in range(first, min(first + 500, count))))


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes of PostgreSQL's write-ahead log, and of one database."""

    wal: float
    disk: float

    @classmethod
    async def read(cls, connection: asyncpg.Connection[Any], database: str) -> Written:
        row = await connection.fetchrow(_WRITTEN, database)
        return cls(row["wal"], row["disk"])

    def told(self, before: Written, count: int) -> str:
        """For each of *count*."""
        return f"{(self.wal - before.wal) / count:,.0f}, {(self.disk - before.disk) / count:,.0f}"


@dataclass(frozen=True, slots=True)
class Moment:
    """Counters at one moment."""

    at: float
    notes: int
    worker_s: float
    postgres_s: float
    valkey_s: float
    stub_s: float
    machine_s: float
    statements: float
    transactions: float
    written: Written


class Meter:
    """Reads the counters of one database and of the processes around it."""

    def __init__(
        self, system: System, database: str, worker: Program, stub: Stub, connection: asyncpg.Connection[Any]
    ) -> None:
        self._system, self._database = system, database
        self._worker, self._stub = worker, stub
        self._connection = connection

    async def read(self) -> Moment:
        notes = sum(map(len, (await self._stub.told())["notes"].values()))
        return Moment(
            time.monotonic(),
            notes,
            self._worker.cpu_s,
            cpu_s(self._system.postgres.pid),
            cpu_s(self._system.valkey.pid),
            self._stub.program.cpu_s,
            machine_cpu_s(),
            await self._connection.fetchval(_STATEMENTS, self._database),
            await self._connection.fetchval(_TRANSACTIONS, self._database),
            await Written.read(self._connection, self._database),
        )


async def measure_worker(
    system: System,
    ours: Ours,
    *,
    deliveries: int,
    concurrency: int,
    latency_s: float,
    folder: Path | None,
    profile: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> str:
    """The report about one worker that writes *deliveries* notes, from a tenth of them on."""
    name = f"worker_{uuid4().hex[:8]}"
    urls = await ours.fresh(name)
    connection = await asyncpg.connect(system.postgres.superuser_url("postgres"))
    await connection.execute("create extension if not exists pg_stat_statements")
    await system.empty_valkey()
    async with system.open_stub() as stub:
        await stub.set_latency(latency_s)
        ours.write_tenants(stub.url)
        empty = await Written.read(connection, name)
        await put_into_ledger(system, urls, deliveries, folder=folder)
        accepted = (await Written.read(connection, name)).told(empty, deliveries)
        ring = await system.stream_bytes() / deliveries
        await connection.execute("select pg_stat_statements_reset()")
        wrap, more = profiler(profile) if profile else ((), {})
        told = {**more, "WORKER_CONCURRENCY": str(concurrency), **(variables or {})}
        worker = ours.start_worker(urls, stub, wrap=wrap, variables=told)
        try:
            meter = Meter(system, name, worker, stub, connection)
            begun = await _wait_for(meter, worker, deliveries // 10)
            memory = []
            ended = begun
            while ended.notes < deliveries:
                worker.check()
                await asyncio.sleep(_POLL_S)
                memory.append(pss_mib(worker.pid))
                ended = await meter.read()
                if ended.at - begun.at > 600:
                    raise RunFailed(f"only {ended.notes} of {deliveries} notes came")
            said = await stub.told()
            texts = await _statement_texts(connection, name) if profile is None else ""
        finally:
            await worker.end()
            await connection.close()
    first = min(min(times) for times in said["notes"].values()) - worker.started_at
    noted = ended.written.told(begun.written, ended.notes - begun.notes)
    stored = f"bytes of WAL, of tables and indexes: {accepted} a webhook, {noted} a note; of Redis {ring:.0f} a ring\n"
    return stored + _report(begun, ended, said, memory=max(memory), first_s=first) + texts


async def _wait_for(meter: Meter, worker: Program, notes: int) -> Moment:
    deadline = time.monotonic() + 120
    while (moment := await meter.read()).notes < notes:
        worker.check()
        if time.monotonic() > deadline:
            raise RunFailed(f"{moment.notes} notes came in two minutes")
        await asyncio.sleep(_POLL_S)
    return moment


def _report(begun: Moment, ended: Moment, told: dict[str, Any], *, memory: float, first_s: float) -> str:
    notes, seconds = ended.notes - begun.notes, ended.at - begun.at

    def each(name: str) -> float:
        return float(getattr(ended, name) - getattr(begun, name)) / notes

    known = sum(
        getattr(ended, name) - getattr(begun, name) for name in ("worker_s", "postgres_s", "valkey_s", "stub_s")
    )
    others = (ended.machine_s - begun.machine_s - known) / seconds
    doubled = sum(len(times) > 1 for times in told["notes"].values())
    return "\n".join(
        [
            f"notes/s                          {notes / seconds:8.1f}   ({notes} in {seconds:.1f} s)",
            f"worker CPU ms a delivery         {each('worker_s') * 1000:8.1f}",
            f"PostgreSQL CPU ms a delivery     {each('postgres_s') * 1000:8.1f}",
            f"Valkey CPU ms a delivery         {each('valkey_s') * 1000:8.2f}",
            f"stub CPU ms a delivery           {each('stub_s') * 1000:8.2f}",
            f"statements a delivery            {each('statements'):8.1f}   (begin and commit too)",
            f"transactions a delivery          {each('transactions'):8.1f}",
            f"worker PSS MiB, at most          {memory:8.0f}",
            f"first note after the start, s    {first_s:8.2f}",
            f"model calls {told['asked']}, tickets with two notes {doubled}, unknown calls {told['unknown'] or 'none'}",
            f"other processes took {others:.2f} cores" + (" : noisy" if others > 0.2 else ""),
        ]
    )


async def _statement_texts(connection: asyncpg.Connection[Any], database: str) -> str:
    rows = await connection.fetch(
        "select calls, total_exec_time, query from pg_stat_statements s join pg_database d on d.oid = s.dbid"
        " where d.datname = $1 and toplevel order by total_exec_time desc limit 30",
        database,
    )
    lines = [
        f"{row['calls']:7} {row['total_exec_time']:9.1f} ms  {' '.join(row['query'].split())[:110]}" for row in rows
    ]
    return "\n  calls  execution     statement\n" + "\n".join(lines)


def profiler(target: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    """A command that runs another one under py-spy, and the variables that it needs.

    uv runs it, in an environment of its own. It samples 200 times a second what uses the CPU.
    """
    kind = "speedscope" if target.suffix == ".json" else "raw"
    command = [
        *(*UV_RUN, "py-spy@0.4.2", "record"),
        *("--rate", "200", "--format", kind, "--output", str(target), "--"),
    ]
    of_uv = ("UV_", "SSL_", "PIP_", "HTTP", "http")
    return command, {name: value for name, value in os.environ.items() if name.startswith(of_uv)}  # noqa: TID251
