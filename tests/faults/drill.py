"""One run: load, faults one after another, the wait until all is settled, and the count.

Invariant: the plan (what is sent, which faults come when) follows from the seed and the arguments alone.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg

from app.core.delivery import Status
from app.db.reports.choices import Choice
from app.db.reports.deliveries import list_deliveries
from app.db.session import open_database
from demo.launcher import Process
from demo.run_folder import RunFolder
from tests.faults.counting import Note, Outcome, Promise, count
from tests.faults.kinds import Fault, Stage
from tests.faults.recovery import Passage, Passages
from tests.faults.report import FaultsReport, Struck
from tests.faults.sender import Sender, Sent
from tests.faults.system import System, open_system
from tests.faults.tenants import CLIENTS
from tests.faults.traffic import CallKind, plan_traffic

_LEAD_S: Final = 6.0
_SHORTEST_GAP_S: Final = 2.0
_STRAGGLERS_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Orders:
    """What is run."""

    seconds: float
    """At the least: calls are made until the last fault is over."""
    rate: float
    seed: int
    faults: Sequence[Fault]
    settle_s: float = 1200.0
    """How long deliveries may take after the last call."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The faults in the order in which they come, and how long after each the next one begins."""

    faults: list[Fault]
    gap_s: float


def plan_faults(draw: random.Random, orders: Orders) -> Plan:
    """An order that is drawn, with the time that is left spread between them."""
    chosen = draw.sample(list(orders.faults), len(orders.faults))
    left = orders.seconds - _LEAD_S - sum(fault.seconds for fault in chosen)
    return Plan(chosen, max(_SHORTEST_GAP_S, left / max(1, len(chosen))))


async def drill(
    orders: Orders,
    run: RunFolder,
    *,
    small_disk: Path | None = None,
    process: type[Process] = Process,
    tell: Callable[[str], None],
) -> FaultsReport:
    """Run it. Raises RunFailed when the harness itself failed."""
    traffic = plan_traffic(random.Random(f"traffic {orders.seed}"), rate=orders.rate)
    plan = plan_faults(random.Random(f"faults {orders.seed}"), orders)
    async with (
        open_system(run, small_disk=small_disk, process=process) as system,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        tell(f"everything runs; {len(plan.faults)} faults to inject")
        sender = Sender(system, session)
        stage = Stage(system, sender, random.Random(f"choices {orders.seed}"))
        began_at = time.time()
        striking = asyncio.create_task(_strike_all(stage, plan, tell))

        def is_over(after_s: float) -> bool:
            # A fault that lasts longer than planned is not watched without load.
            return after_s >= orders.seconds and striking.done()

        await sender.send_all(traffic, until=is_over)
        struck = await striking
        ended_at = time.time()
        tell("the last call is answered; waiting until everything is settled")
        settled_at = await _wait_settled(system, limit_s=orders.settle_s)
        await asyncio.sleep(_STRAGGLERS_S)
        notes = await _read_notes(system)
        outcomes = await _read_outcomes(system)
        removed = await _removed(system)
    tell("counting")
    signs = _read_signs(run.path)
    return _report(
        orders,
        sender.sent,
        notes,
        outcomes,
        seconds=ended_at - began_at,
        faults=_watch(struck, sender.sent, notes, signs, began_at=began_at, ended_at=ended_at),
        removed=removed,
        settled_s=None if settled_at is None else max(0.0, settled_at - ended_at),
    )


@dataclass(frozen=True, slots=True)
class _Window:
    fault: Fault
    not_run: str | None
    start: float
    end: float
    remark: str | None = None


async def _strike_all(stage: Stage, plan: Plan, tell: Callable[[str], None]) -> list[_Window]:
    began = time.monotonic()
    windows = []
    await asyncio.sleep(_LEAD_S)
    for fault in plan.faults:
        why_not = fault.why_not(stage.system)
        if why_not is not None:
            tell(f"not run: {fault.name}: {why_not}")
            windows.append(_Window(fault, why_not, 0, 0))
            continue
        tell(f"{time.monotonic() - began:5.0f} s  {fault.name}")
        start = time.time()
        remark = await fault.strike(stage)
        windows.append(_Window(fault, None, start, time.time(), remark))
        # Also after one that took longer than planned: its recovery is to be seen.
        await asyncio.sleep(plan.gap_s)
    return windows


async def _wait_settled(system: System, *, limit_s: float) -> float | None:
    """When nothing was left to do; None when it took longer than that."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            [row] = await system.sql("select count(*) from delivery where status in ('pending', 'processing')")
        except (OSError, TimeoutError, asyncpg.PostgresError):
            row = None
        if row is not None and row[0] == 0:
            return time.time()
        await asyncio.sleep(0.5)
    return None


async def _read_notes(system: System) -> list[Note]:
    return [
        Note(client.slug, row["ticket_id"], row["description"], int(row["created_time"]["value"]) / 1000)
        for client in CLIENTS
        for row in await system.notes(client.portal)
        if client.owns(row["ticket_id"])
    ]


async def _read_outcomes(system: System) -> list[Outcome]:
    """As `ai-agents deliveries list` reads them."""
    found = []
    async with open_database(system.urls.worker) as database:
        for client in CLIENTS:
            for status in Status:
                for row in await list_deliveries(database, client.id, Choice(status=status), limit=1_000_000):
                    reason = row.ignored_because if row.status == Status.IGNORED else row.last_error
                    found.append(Outcome(client.slug, row.ticket_id, str(row.job_id), row.status, reason or ""))
    return found


async def _removed(system: System) -> int:
    async with system.control.get(f"{system.help_desk_url}/simulator/portals") as answer:
        return sum(portal["notes_removed"] for portal in await answer.json())


def _read_signs(folder: Path) -> list[tuple[float, str]]:
    """When a process of the product warned of what."""
    found = []
    for log in [*folder.glob("api-*.log"), *folder.glob("worker-*.log")]:
        for line in log.read_text(errors="replace").splitlines():
            if '"level": "warning"' in line or '"level": "error"' in line:
                entry: dict[str, Any] = json.loads(line)
                found.append((datetime.fromisoformat(entry["timestamp"]).timestamp(), str(entry["event"])))
    return found


def _watch(
    windows: list[_Window],
    sent: list[Sent],
    notes: list[Note],
    signs: list[tuple[float, str]],
    *,
    began_at: float,
    ended_at: float,
) -> list[Struck]:
    passages = Passages(_passages(sent, notes))
    unanswered = [at for each in sent for at in each.unanswered]
    run = [window for window in windows if window.not_run is None]
    untils = {id(window): after.start for window, after in itertools.pairwise(run)}
    struck = []
    for window in windows:
        if window.not_run is not None:
            struck.append(Struck(window.fault.name, not_run=window.not_run))
            continue
        until = untils.get(id(window), ended_at)
        struck.append(
            Struck(
                window.fault.name,
                remark=window.remark,
                start_s=round(window.start - began_at, 1),
                end_s=round(window.end - began_at, 1),
                unanswered=sum(window.start <= at < until for at in unanswered),
                recovery=passages.recovery(start=window.start, end=window.end, until=until),
                watched_s=round(until - window.end, 1),
                signs=Counter(event for at, event in signs if window.start <= at < until),
            )
        )
    return struck


def _passages(sent: list[Sent], notes: list[Note]) -> list[Passage]:
    """New tickets alone: their note can't have been there before."""
    first: dict[tuple[str, str], float] = {}
    for note in notes:
        key = (note.slug, note.ticket_id)
        first[key] = min(note.at, first.get(key, note.at))
    return [
        Passage(each.answered_at, max(first[key], each.answered_at))
        for each in sent
        if each.call.kind is CallKind.NEW
        and each.status == 202
        and (key := (each.call.client.slug, each.call.ticket_id)) in first
    ]


def _report(
    orders: Orders,
    sent: list[Sent],
    notes: list[Note],
    outcomes: list[Outcome],
    *,
    seconds: float,
    faults: list[Struck],
    removed: int,
    settled_s: float | None,
) -> FaultsReport:
    genuine = [each for each in sent if each.call.kind is not CallKind.FORGED]
    forged = [each for each in sent if each.call.kind is CallKind.FORGED]
    accepted = [each for each in genuine if each.status == 202]
    versions: dict[tuple[str, str], int] = {}
    for each in genuine:
        key = (each.call.client.slug, each.call.ticket_id)
        versions[key] = max(versions.get(key, 0), each.call.version)
    return FaultsReport(
        seed=orders.seed,
        seconds=round(seconds, 1),
        rate=orders.rate,
        calls=len(sent),
        accepted=len(accepted),
        deliveries=len({each.job_id for each in accepted}),
        forged=len(forged),
        refused=sum(each.status == 401 for each in forged),
        unanswered=sum(len(each.unanswered) for each in sent),
        never_answered=sum(each.status in {None, 503} for each in genuine),
        wrongly_refused=sum(each.status not in {None, 202, 503} for each in genuine),
        removed=removed,
        settled_s=settled_s,
        faults=faults,
        count=count(
            clients=CLIENTS,
            promises=[
                Promise(each.call.client.slug, each.call.ticket_id, each.call.version, each.job_id, each.answered_at)
                for each in accepted
            ],
            forged=[((each.call.client.slug, each.call.ticket_id), each.status or 0) for each in forged],
            notes=notes,
            outcomes=outcomes,
            versions=versions,
        ),
    )
