"""How well and how fast the search finds tickets that people have linked as the same problem.

    python bench/retrieval.py FOLDER

FOLDER holds `tickets.jsonl.gz` (id, created, title, body, reply) and `similar.dev.json` (query id → ids of the earlier
tickets that a reply linked). It is not part of the project; without it the measurement is skipped. The results are
in retrieval.md.

Quality is measured as a replay: tickets are stored in the order of their times, and a query sees the tickets before
it. Speed is measured afterwards, with all tickets stored. PostgreSQL is the embedded one, on this machine.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import click

from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.db.knowledge.search import Match, Search
from app.db.knowledge.store import upsert_tickets
from app.db.migrate import migrate
from app.db.session import Database, open_database
from demo.embedded import open_postgres

DEPTH: Final = 100
_BATCH: Final = 200
# Marks a question without an answer, which must be findable too.
_NO_REPLY: Final = "-"
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Quality:
    """The results: in each list one entry for each query, 0 to 1."""

    precision: list[float] = field(default_factory=list)
    recall_5: list[float] = field(default_factory=list)
    recall_20: list[float] = field(default_factory=list)
    good_recall_5: list[float] = field(default_factory=list)
    """Recall at 5, counting only good matches."""
    good: list[int] = field(default_factory=list)
    """How many of the first five are good matches."""

    def add(self, matches: Sequence[Match], linked: set[str]) -> None:
        places = [place for place, match in enumerate(matches) if match.id in linked]
        found = {match.id for match in matches[:5] if match.is_good}
        self.precision.append(sum((hit + 1) / (place + 1) for hit, place in enumerate(places)) / len(linked))
        self.recall_5.append(sum(place < 5 for place in places) / len(linked))
        self.recall_20.append(sum(place < 20 for place in places) / len(linked))
        self.good_recall_5.append(len(found & linked) / len(linked))
        self.good.append(len(found))


@dataclass(frozen=True, slots=True)
class Sample:
    """Tickets in the order of time; for some of them the earlier ones with the same problem."""

    tickets: list[Ticket]
    linked: dict[str, set[str]]


def load_sample(folder: Path) -> Sample:
    with gzip.open(folder / "tickets.jsonl.gz", "rt", encoding="utf-8") as lines:
        tickets = [_ticket(json.loads(line)) for line in lines]
    known = {ticket.id for ticket in tickets}
    queries = json.loads((folder / "similar.dev.json").read_text("utf-8"))
    linked = {query: set(ids) & known for query, ids in queries.items() if query in known and set(ids) & known}
    return Sample(sorted(tickets, key=lambda ticket: (ticket.created_at or _LONG_AGO, ticket.id)), linked)


def _ticket(row: dict[str, str]) -> Ticket:
    created_at = datetime.fromisoformat(row["created"]).replace(tzinfo=UTC)
    return Ticket(
        id=row["id"],
        subject=row["title"],
        description=row["body"],
        resolution=row.get("reply") or _NO_REPLY,
        created_at=created_at,
        updated_at=created_at,
        resolved_at=created_at,
    )


async def replay(database: Database, tenant: Tenant, search: Search, sample: Sample) -> Quality:
    """Store all tickets in their order, and run each query at its time."""
    quality = Quality()
    waiting: list[Ticket] = []
    for ticket in sample.tickets:
        if ticket.id in sample.linked:
            await _store(database, tenant, waiting)
            waiting = []
            quality.add(await search.rank_tickets(ticket, limit=DEPTH), sample.linked[ticket.id])
        waiting.append(ticket)
        if len(waiting) >= _BATCH:
            await _store(database, tenant, waiting)
            waiting = []
    await _store(database, tenant, waiting)
    return quality


async def measure_speed(ask: Callable[[Ticket], Awaitable[object]], sample: Sample) -> str:
    """How long *ask* takes for each query, one after another, its transaction included."""
    took = []
    for ticket in sample.tickets:
        if ticket.id in sample.linked:
            begun = time.perf_counter()
            await ask(ticket)
            took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    return f"median {statistics.median(took):.1f} ms, p95 {took[int(len(took) * 0.95)]:.1f} ms"


async def _store(database: Database, tenant: Tenant, tickets: Sequence[Ticket]) -> None:
    async with database.as_tenant(tenant.id) as session:
        await upsert_tickets(session, tenant.id, tickets, language=tenant.note.language)


@asynccontextmanager
async def _open_empty_database() -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        async with open_postgres(Path(folder), is_durable=False) as server:
            await server.create_database("retrieval")
            urls = await server.create_roles("retrieval")
            await migrate(urls.owner, tell=lambda _: None)
            async with open_database(urls.worker) as database:
                yield database


async def _measure(folder: Path) -> None:
    sample = load_sample(folder)
    tenant = Tenant.model_validate(
        {
            "id": uuid4(),
            "slug": "bench",
            "name": "Bench",
            "servicedesk": {"edition": "on_premises", "url": "https://127.0.0.1:1", "technician": "bench"},
        }
    )
    async with _open_empty_database() as database:
        search = Search(database, tenant, ticket_url=str, article_url=str)
        begun = time.perf_counter()
        quality = await replay(database, tenant, search, sample)
        replayed_s = time.perf_counter() - begun
        ranking = await measure_speed(lambda ticket: search.rank_tickets(ticket, limit=20), sample)
        whole = await measure_speed(lambda ticket: search.similar_tickets(ticket, limit=5), sample)
    print(f"{len(sample.tickets)} tickets, {len(sample.linked)} queries; replayed in {replayed_s:.0f} s")
    print(f"MAP {_percent(quality.precision)}  R@5 {_percent(quality.recall_5)}  R@20 {_percent(quality.recall_20)}")
    print(
        f"good matches: R@5 {_percent(quality.good_recall_5)}, {statistics.mean(quality.good):.1f} of 5,"
        f" none for {_percent([not good for good in quality.good])} % of the queries"
    )
    print(f"with all tickets stored: 20 ranked {ranking}; 5 similar tickets with their passages {whole}")


def _percent(shares: Sequence[float]) -> str:
    return f"{100 * statistics.mean(shares):.1f}"


@click.command()
@click.argument("folder", required=False, envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path))
def main(folder: Path | None) -> None:
    """Measure the search on the tickets in FOLDER (or of the variable RETRIEVAL_DATA)."""
    if folder is None or not (folder / "tickets.jsonl.gz").is_file():
        print(f"SKIPPED: no tickets.jsonl.gz in {folder or 'any folder; name one'}")
        return
    asyncio.run(_measure(folder))


if __name__ == "__main__":
    main()
