"""The kinds of faults. Each strikes a running system, lasts a while, and takes itself back.

Invariant: what a fault can't do on this machine it says beforehand, and is then reported as not run.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from redis.asyncio import Redis

from app.queue import STREAM
from demo.failure import RunFailed
from tests.connections import connected
from tests.faults.sender import Sender
from tests.faults.system import LEASE_S, NOTICE_S, START_S, Instance, System
from tests.faults.tenants import QUIET
from tests.faults.traffic import Call, CallKind

_FAKETIME: Final = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))  # the variant for threads
_HOUR_S: Final = 3600
_POISON_ENDS_S: Final = 180.0
_UNDIGESTIBLE_ENDS_S: Final = 30.0
_POISON_TICKET: Final = "66600"


@dataclass(frozen=True, slots=True)
class Stage:
    """What a fault may use."""

    system: System
    sender: Sender
    draw: random.Random


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault."""

    name: str
    strike: Callable[[Stage], Awaitable[str | None]]
    """Returns what should be known of it beside its times."""
    seconds: float
    """About how long it lasts."""
    is_short: bool = False
    """Part of the short run."""
    why_not: Callable[[System], str | None] = lambda _: None
    """Why it can't be done here; None when it can."""


# --- processes ---------------------------------------------------------------------------------------------------


async def kill_workers(stage: Stage) -> None:
    for worker in stage.draw.sample(stage.system.workers, 3):
        await stage.system.kill(worker)
        await worker.child.ready(limit_s=START_S)


async def kill_one_worker(stage: Stage) -> None:
    await stage.system.kill(stage.draw.choice(stage.system.workers))


async def kill_apis(stage: Stage) -> None:
    for api in stage.draw.sample(stage.system.apis, 2):
        await stage.system.kill(api)
        await asyncio.sleep(NOTICE_S + 0.5)
        await api.child.ready(limit_s=START_S)


async def stop_workers(stage: Stage) -> None:
    """Two of three stand still for longer than their leases: their work is taken over, then they go on."""
    await _stand_still(stage.draw.sample(stage.system.workers, 2), LEASE_S + 3)


async def stop_api(stage: Stage) -> None:
    await _stand_still([stage.draw.choice(stage.system.apis)], LEASE_S + 3)


async def _stand_still(instances: list[Instance], seconds: float) -> None:
    for instance in instances:
        instance.child.send(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        for instance in instances:
            instance.child.send(signal.SIGCONT)


async def roll_everything(stage: Stage) -> None:
    """Both deployments at once, each one instance after another."""
    await asyncio.gather(_roll(stage.system, stage.system.apis), _roll(stage.system, stage.system.workers))


async def _roll(system: System, deployment: list[Instance]) -> None:
    for instance in list(deployment):
        status = await system.roll(instance)
        if status != 0:
            raise RunFailed(f"{instance.name} ended with status {status} on SIGTERM")


async def jump_clocks(stage: Stage) -> None:
    """An API and a worker are an hour ahead, another worker an hour behind; then the other way round."""
    system = stage.system
    chosen = [(system.apis[0], 1), (system.workers[0], 1), (system.workers[1], -1)]
    files = [system.run.path / f"clock-{number}" for number, _ in enumerate(chosen)]
    try:
        for file in files:
            _set_clock(file, 0)
        await asyncio.gather(
            *(
                system.roll(
                    instance,
                    LD_PRELOAD=str(_FAKETIME[0]),
                    FAKETIME_TIMESTAMP_FILE=str(file),
                    FAKETIME_DONT_FAKE_MONOTONIC="1",
                    FAKETIME_CACHE_DURATION="1",
                )
                for (instance, _), file in zip(chosen, files, strict=True)
            )
        )
        for way in (1, -1):
            for (_, sign), file in zip(chosen, files, strict=True):
                _set_clock(file, way * sign * _HOUR_S)
            await asyncio.sleep(1.5)
            # The cloud tenant's token is fetched anew, perhaps by a worker whose clock is wrong.
            await system.sql("delete from access_token")
            await asyncio.sleep(5)
    finally:
        await asyncio.gather(*(system.roll(instance) for instance, _ in chosen))


def _set_clock(file: Path, offset_s: int) -> None:
    # At once or not at all: the process may read it at any moment.
    new = file.with_suffix(".new")
    new.write_text(f"{offset_s:+d}\n")
    new.replace(file)


def _no_faketime(_: System) -> str | None:
    return None if _FAKETIME else "libfaketime is not installed (make faults-machine)"


async def poison(stage: Stage) -> str:
    """A delivery whose worker dies of it each time: it must end as failed, and the others go on.

    The help desk is slow with this one ticket, and a worker that says that it began with it is killed before the
    answer comes: seen from the product that is a delivery that crashes its process.
    """
    system = stage.system
    fault = {"match": f"GET requests/{_POISON_TICKET}", "kind": "slow", "delay": 30.0}
    await system.strike_help_desks(**fault)
    try:
        call = Call(0, CallKind.NEW, QUIET, _POISON_TICKET, 0, "ticket_created", "2026-11-02T00:00:00+00:00")
        job_id = (await stage.sender.send(call)).job_id
        deadline = time.monotonic() + _POISON_ENDS_S
        killed: set[str] = set()
        while (code := await _failed_by(system, job_id)) is None:
            if time.monotonic() > deadline:
                return f"not ended after {len(killed)} killed workers and {_POISON_ENDS_S:.0f} s"
            for worker in system.workers:
                if worker.child.name not in killed and _began(worker.child.log, job_id):
                    killed.add(worker.child.name)
                    await system.kill(worker)
            await asyncio.sleep(0.1)
        return f"failed, and visible as {code}, after {len(killed)} killed workers"
    finally:
        await system.heal_help_desks()


def _began(log: Path, job_id: str) -> bool:
    return any(
        job_id in line and json.loads(line).get("event") == "attempt_began"
        for line in log.read_text(errors="replace").splitlines()
        if "attempt_began" in line
    )


async def _failed_by(system: System, job_id: str) -> str | None:
    """The code that a failed delivery shows; None: it has not failed."""
    rows = await system.sql("select code from delivery where job_id = $1 and status = 'failed'", job_id)
    return rows[0]["code"] if rows else None


async def serve_undigestible(stage: Stage) -> str:
    """What no process can read, at once in a row, a ring, a cached token and a tenant's file: each costs itself alone."""
    system = stage.system
    file = Path(system.worker_variables["TENANTS_DIR"]) / "undigestible.yaml"
    tenant_id, job_id = uuid4(), uuid4()
    try:
        file.write_text("a: 1" + ":00" * 180)
        await system.sql("update access_token set sealed_token = '\\x00'")
        await system.sql(
            "with added as (insert into delivery (tenant_id, job_id, ticket_id, event, body, accepted_at)"
            " values ($1, $2, '1', 'ticket_created', '', 'infinity') returning tenant_id, job_id)"
            " insert into due (tenant_id, job_id) select * from added",
            *(tenant_id, job_id),
        )
        async with Redis.from_url(system.valkey.url) as redis:
            rings: list[dict[Any, Any]] = [
                {"data": b"{"},
                {"data": b"\xff" * 100},
                {"other": "1"},
                {"data": "[" * 5_000},
            ]
            for ring in rings:
                await redis.xadd(STREAM, ring)
        deadline = time.monotonic() + _UNDIGESTIBLE_ENDS_S
        while (code := await _failed_by(system, str(job_id))) is None:
            if time.monotonic() > deadline:
                return "the delivery that can't be read is not settled"
            await asyncio.sleep(0.1)
        await asyncio.sleep(3)
        return f"failed, and visible as {code}"
    finally:
        file.unlink()


# --- PostgreSQL --------------------------------------------------------------------------------------------------


async def restart_postgres(stage: Stage) -> None:
    """Stopped as `pg_ctl stop -m immediate` does, and started again: it recovers from its log."""
    postgres = stage.system.postgres
    os.kill(postgres.pid, signal.SIGQUIT)
    while postgres.is_running:
        await asyncio.sleep(0.02)
    await postgres.start()


async def cut_connections(stage: Stage) -> None:
    for _ in range(3):
        await stage.system.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'ai-agents %'"
        )
        await asyncio.sleep(1)


async def fill_disk(stage: Stage) -> None:
    """No page can be added to any table or index."""
    assert stage.system.small_disk is not None
    ballast = stage.system.small_disk / "ballast"
    try:
        await asyncio.to_thread(_fill, ballast)
        until = time.monotonic() + 8
        while time.monotonic() < until:
            # Again and again: what PostgreSQL gives back meanwhile is taken too.
            await asyncio.to_thread(_fill, ballast)
            await asyncio.sleep(0.1)
    finally:
        ballast.unlink()


def _fill(file: Path) -> None:
    with file.open("ab", buffering=0) as ballast, suppress(OSError):
        for size in (1_048_576, 4_096):
            with suppress(OSError):
                while True:
                    ballast.write(bytes(size))


def _no_small_disk(system: System) -> str | None:
    return (
        None
        if system.small_disk is not None
        else "it needs a small file system: run as root, or make faults-machine first"
    )


async def lock_deliveries(stage: Stage) -> None:
    async with connected(stage.system.urls.superuser) as connection, connection.transaction():
        await connection.execute("lock table delivery in access exclusive mode")
        await asyncio.sleep(10)


# --- Redis -------------------------------------------------------------------------------------------------------


async def kill_redis(stage: Stage) -> None:
    await stage.system.valkey.kill()
    await asyncio.sleep(6)
    await stage.system.valkey.start()


async def flush_redis(stage: Stage) -> None:
    async with Redis.from_url(stage.system.valkey.url) as redis:
        for _ in range(6):
            await redis.flushall()
            await asyncio.sleep(0.5)


async def starve_redis(stage: Stage) -> None:
    """Another user of the same Redis fills it, and its policy evicts any key: ours too."""
    async with Redis.from_url(stage.system.valkey.url) as redis:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        await redis.config_set("maxmemory", "4mb")
        until, number = time.monotonic() + 8, 0
        while time.monotonic() < until:
            with suppress(Exception):  # out of memory is what is wanted
                await redis.set(f"junk-{number}", b"x" * 20_000)
            number += 1
            await asyncio.sleep(0.002)
        await redis.config_set("maxmemory", "0")
        await redis.config_set("maxmemory-policy", "noeviction")


async def fail_over_redis(stage: Stage) -> None:
    """The primary is gone; in its place is an empty replica, which takes no writes until it is promoted."""
    await stage.system.valkey.kill()
    await stage.system.valkey.start()
    async with Redis.from_url(stage.system.valkey.url) as redis:
        await redis.replicaof("127.0.0.1", "1")  # where its primary was nobody answers
        await asyncio.sleep(8)
        await redis.replicaof("NO", "ONE")


# --- ServiceDesk Plus and the model ------------------------------------------------------------------------------


def help_desks(seconds: float, **fault: object) -> Callable[[Stage], Awaitable[None]]:
    async def strike(stage: Stage) -> None:
        await stage.system.strike_help_desks(**fault)
        await asyncio.sleep(seconds)
        await stage.system.heal_help_desks()

    return strike


def model(seconds: float, kind: str, *, wait: float = 1.0) -> Callable[[Stage], Awaitable[None]]:
    async def strike(stage: Stage) -> None:
        await stage.system.strike_model(kind, seconds=wait)
        await asyncio.sleep(seconds)
        await stage.system.heal_model()

    return strike


FAULTS: Final = (
    Fault("worker killed", kill_one_worker, 3, is_short=True),
    Fault("each worker killed in turn", kill_workers, 12),
    Fault("each API killed in turn", kill_apis, 8),
    Fault("workers stopped for longer than their lease", stop_workers, LEASE_S + 3),
    Fault("API stopped", stop_api, LEASE_S + 3),
    Fault("SIGTERM rollout of everything", roll_everything, 30),
    Fault("clocks jump an hour, both ways", jump_clocks, 50, why_not=_no_faketime),
    Fault("poison delivery", poison, 25),
    Fault("row, ring, token and file that can't be read", serve_undigestible, 4, is_short=True),
    Fault("PostgreSQL restarted immediately", restart_postgres, 1, is_short=True),
    Fault("PostgreSQL's connections cut", cut_connections, 3),
    Fault("PostgreSQL's disk full", fill_disk, 8, why_not=_no_small_disk),
    Fault("lock held on delivery for 10 s", lock_deliveries, 10),
    Fault("Redis killed", kill_redis, 6),
    Fault("Redis FLUSHALL", flush_redis, 3, is_short=True),
    Fault("Redis out of memory, allkeys-lru", starve_redis, 8),
    Fault("Redis failed over to an empty replica", fail_over_redis, 8),
    Fault("ServiceDesk Plus slow", help_desks(8, match="* requests", kind="slow", delay=2.0), 8),
    Fault("ServiceDesk Plus answers 429", help_desks(6, kind="status", status=429, retry_after="2"), 6),
    Fault("ServiceDesk Plus answers 500", help_desks(6, kind="status", status=500), 6),
    Fault(
        "ServiceDesk Plus cuts after storing the note",
        help_desks(4, match="POST notes", kind="cut_after"),
        4,
        is_short=True,
    ),
    Fault("ServiceDesk Plus resets connections", help_desks(5, kind="reset"), 5),
    Fault("model slow", model(8, "slow", wait=3.0), 8),
    Fault("model answers 429", model(6, "rate_limit"), 6),
    Fault("model answers 500", model(6, "server_error"), 6, is_short=True),
    Fault("model resets connections", model(6, "reset"), 6),
)
