"""The hot queries, each asked through the product's own functions."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import httpx
import yaml

from app.core.asset import find_addresses
from app.core.enhancement import Enhancement
from app.core.outcome import Ending
from app.core.tenant import Tenant
from app.core.ticket import Fate, Ticket
from app.db.knowledge.inventory import InventorySearch
from app.db.knowledge.requesters import RequesterSearch
from app.db.knowledge.search import Search
from app.db.knowledge.store import upsert_tickets
from app.db.ledger.arrivals import ArrivalSearch, arrival_of
from app.db.ledger.attempts import AttemptRecord
from app.db.ledger.claims import Claim, Ledger
from app.db.ledger.enhancements import Enhancements, Reservation
from app.db.ledger.intake import AcceptedDelivery, Intake
from app.db.reports.costs import Usages
from app.db.reports.load import load_by_tenant
from app.db.session import Database
from app.db.sql import Statement
from bench.growth.plans import Plan, PlanLog
from bench.throughput.corpus import Text
from bench.throughput.machine import fine_cpu_s
from demo.launcher import CHECKOUT

BATCH: Final = 32
SYNC_BATCH: Final = 100
# Older than this, the console's snapshot is taken anew for its first page.
_SNAPSHOT_S: Final = 6.0
_LEASE: Final = timedelta(seconds=60)

PURPOSES: Final = {
    "accept": "a webhook is stored before its 202",
    "accept 32": "32 webhooks in one commit",
    "claim": "a worker takes the delivery that is next, fairly among tenants",
    "extend": "its lease is extended, every 20 s",
    "release": "it is given back, e.g. when a worker ends",
    "reserve": "the ticket's version is reserved, and how it arrived is stored",
    "storms' look": "like tickets of the last minutes",
    "save": "what was written is stored",
    "begin to post": "it is stored that a note may be there",
    "settle": "the note is stored, and the delivery settled",
    "relay's count": "how many deliveries are due, each second in each worker",
    "relay's look": "which of them have no ring, each second in one worker",
    "KEDA's count": "for how many workers are asked, every 15 s",
    "load of tenants": "a gauge for each tenant, every 15 s in each worker",
    "search of history": "five similar tickets with their passages",
    "search of knowledge": "three articles with their passages",
    "search of assets": "the machines that a ticket names",
    "requester": "the requester's other tickets",
    "budget": "what the tenant's model took this month, once a delivery where there is a budget",
    "sync, 100 new": "100 tickets are stored and indexed",
    "sync, 100 known": "the same again: nothing changed",
    "sync, one gone": "a ticket was deleted in the help desk",
    "console: now": "its first page, refreshed every few seconds",
    "console: deliveries": "the newest deliveries of all tenants",
    "console: tenants": "the list of tenants",
    "console: quality": "votes and confidence",
    "console: cost": "this month's cost of each tenant",
}


@dataclass(slots=True)
class Meter:
    """What each call took; while `plans` is set, what PostgreSQL did for it in place of the time."""

    postgres: int
    """Its process."""
    times: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    found: dict[str, list[Plan]] = field(default_factory=dict)
    plans: PlanLog | None = None

    @asynccontextmanager
    async def call(self, name: str) -> AsyncIterator[None]:
        if self.plans is not None:
            self.plans.read()
        before = fine_cpu_s(self.postgres)
        began = time.perf_counter()
        yield
        took = time.perf_counter() - began
        used = fine_cpu_s(self.postgres) - before
        if self.plans is not None:
            self.found[name] = self.plans.read()
        else:
            self.times.setdefault(name, []).append(took * 1000)
            self.cpu.setdefault(name, []).append(used * 1000)

    def median(self, name: str) -> float:
        return statistics.median(self.times[name])

    def p95(self, name: str) -> float:
        return sorted(self.times[name])[int(len(self.times[name]) * 0.95)]

    def cpu_ms(self, name: str) -> float:
        """PostgreSQL's CPU for one call: what other processes do on the machine hardly changes it."""
        return statistics.median(self.cpu[name])

    def pages(self, name: str) -> int:
        """Pages of 8 kB that PostgreSQL looked at for one call."""
        return sum(plan.buffers for plan in self.found[name])


@dataclass(frozen=True, slots=True)
class System:
    """What the calls are made on."""

    database: Database
    intake: Intake
    tenants: Sequence[Tenant]
    """The first has the history."""
    texts: Sequence[Text]
    """Of new tickets."""
    console: httpx.AsyncClient
    """Signed in."""
    forget: Callable[[Sequence[AcceptedDelivery]], Awaitable[None]]
    """Removes deliveries that were stored."""


async def measure(system: System, meter: Meter, *, times: int) -> None:
    """Each hot query *times* times, the console's pages a tenth of it."""
    for step in (_accept, _work, _relay, _search, _sync):
        await step(system, meter, times)
    await _console(system, meter, max(times // 10, 1))


async def _accept(system: System, meter: Meter, times: int) -> None:
    accepted = [
        AcceptedDelivery(tenant.id, uuid4(), f"new{number}", "ticket_created", b"{}", None)
        for number, tenant in zip(range(times * (BATCH + 1)), itertools.cycle(system.tenants))
    ]
    for first in range(0, len(accepted), BATCH + 1):
        async with meter.call("accept"):
            await system.intake.accept(accepted[first])
        async with meter.call("accept 32"):
            await asyncio.gather(*map(system.intake.accept, accepted[first + 1 : first + 1 + BATCH]))
    await system.forget(accepted)


async def _work(system: System, meter: Meter, times: int) -> None:
    """Deliveries from their claim to their note, and some that are given back."""
    slots = {tenant.id: tenant.slots for tenant in system.tenants}
    ledger = Ledger(system.database, lease=_LEASE, max_attempts=3, slots=lambda: slots)
    settled = min((times + 1) // 2, 40)  # a hundred are due at the least
    for number in range(times):
        async with meter.call("claim"):
            claim = await ledger.claim_next()
        assert claim is not None, "nothing was due"
        if number >= settled:
            async with meter.call("extend"):
                await ledger.extend(claim)
            async with meter.call("release"):
                await ledger.release(claim)
            continue
        await _write(system, meter, claim, _ticket(claim.ticket_id, system.texts[number % len(system.texts)]))


async def _write(system: System, meter: Meter, claim: Claim, ticket: Ticket) -> None:
    enhancements = Enhancements(system.database)
    tenant = next(tenant for tenant in system.tenants if tenant.id == claim.tenant_id)
    arrival = arrival_of(ticket, tenant, accepted_at=claim.accepted_at)
    now = datetime.now(UTC)
    async with meter.call("reserve"):
        mine: Reservation = await enhancements.reserve(
            claim, version=ticket.version, ticket_updated_at=now, arrival=arrival
        )
    looked = ArrivalSearch(system.database, tenant, ticket_url=str)
    async with meter.call("storms' look"):
        await looked.before(claim.ticket_id, sources=["ticket 1"])
    async with meter.call("save"):
        await enhancements.save(claim, mine, Enhancement(summary="It was solved before.", model="offline"))
    async with meter.call("begin to post"):
        await enhancements.begin_posting(claim, mine, html="<p>It was solved before.</p>")
    record = AttemptRecord(began_at=now, ending=Ending.ENHANCED, code=None, error=None, steps=())
    async with meter.call("settle"):
        await enhancements.settle_posted(claim, mine, note_id="1", record=record)


async def _relay(system: System, meter: Meter, times: int) -> None:
    slots = {tenant.id: tenant.slots for tenant in system.tenants}
    ledger = Ledger(system.database, lease=_LEASE, max_attempts=3, slots=lambda: slots)
    keda = Statement(_kedas_query(), ())
    for _ in range(max(times // 4, 1)):
        async with meter.call("relay's count"):
            await ledger.backlog()
        async with meter.call("relay's look"):
            await ledger.waiting(due_for=timedelta(0), limit=1_000)
        async with meter.call("load of tenants"):
            await load_by_tenant(system.database)
    for _ in range(max(times // 20, 1)):
        async with meter.call("KEDA's count"), system.database.transaction(None) as tx:
            await tx.value(keda)


def _kedas_query() -> str:
    scaled = yaml.safe_load((CHECKOUT / "kustomize/components/keda/scaledobject.yaml").read_text("utf-8"))
    triggers: list[dict[str, Any]] = scaled["spec"]["triggers"]
    return next(str(each["metadata"]["query"]) for each in triggers if each["type"] == "postgresql")


async def _search(system: System, meter: Meter, times: int) -> None:
    tenant = system.tenants[0]
    search = Search(system.database, tenant, ticket_url=str, article_url=str)
    assets = InventorySearch(system.database, tenant, asset_url=str)
    requesters, usages = RequesterSearch(system.database, tenant), Usages()
    for number in range(2 * times):
        ticket = _ticket(f"new{number}", system.texts[number % len(system.texts)], machine=f"pc-{1 + number % 900}")
        async with meter.call("search of history"):
            await search.similar_tickets(ticket, limit=5)
        async with meter.call("search of knowledge"):
            await search.articles(ticket, limit=3)
        async with meter.call("search of assets"):
            await assets.assets(find_addresses(ticket.text), requester=ticket.requester, limit=5)
        async with meter.call("requester"):
            await requesters.about(ticket)
        async with meter.call("budget"):
            await usages.load(system.database, tenant.id)


async def _sync(system: System, meter: Meter, times: int) -> None:
    tenant, run = system.tenants[0], uuid4().hex[:6]

    async def store(tickets: Sequence[Ticket]) -> None:
        async with system.database.as_tenant(tenant.id) as session:
            await upsert_tickets(session, tenant.id, tickets, language="en")

    for number in range(max(times // 5, 1)):
        new = [
            _resolved(f"{run}-{number}-{each}", system.texts[(number * SYNC_BATCH + each) % len(system.texts)])
            for each in range(SYNC_BATCH)
        ]
        async with meter.call("sync, 100 new"):
            await store(new)
        async with meter.call("sync, 100 known"):
            await store(new)
        async with meter.call("sync, one gone"):
            await store([new[0].model_copy(update={"fate": Fate.TRASHED})])


def _ticket(ticket_id: str, text: Text, *, machine: str = "") -> Ticket:
    return Ticket(
        id=ticket_id,
        subject=text.subject,
        description=f"{text.description}\n{machine}",
        requester=f"user{len(text.description) % 5000}@acme.example",
    )


def _resolved(ticket_id: str, text: Text) -> Ticket:
    now = datetime.now(UTC)
    times = {"created_at": now, "updated_at": now, "resolved_at": now}
    return _ticket(ticket_id, text).model_copy(update={"resolution": text.resolution, "fate": Fate.CLOSED, **times})


async def _console(system: System, meter: Meter, times: int) -> None:
    pages = {"now": "/live", "deliveries": "/deliveries", "tenants": "/tenants", "quality": "/quality", "cost": "/cost"}
    for _ in range(times):
        await asyncio.sleep(_SNAPSHOT_S)
        for name, path in pages.items():
            async with meter.call(f"console: {name}"):
                answer = await system.console.get(path)
            assert answer.status_code == 200, (name, answer.status_code)
