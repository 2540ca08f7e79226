"""How many of the storms that are found are storms: of our own mornings at help desks, and of public tickets.

    python bench/storms.py [FOLDER]

`storms.yaml` beside this file holds mornings of our own writing, measured at help desks without a history, and at one
with some hundred resolved tickets and with articles, where the sources are found by the product's search; those of
`storms_with_history.yaml` at the latter alone. FOLDER (or RETRIEVAL_DATA) holds `tickets.jsonl.gz`, as for
`retrieval.py`; without it that half is skipped. Which of its tickets report one problem says
`storms_labels.yaml`, by ids alone. A storm is right if at least two of the others that its line names have the ticket's
label. The results are in storms.md. PostgreSQL is the embedded one, on this machine.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import click
import yaml
from sqlalchemy import text

from app.core.article import Article
from app.core.source import Gathered, GatherState, SourceKind, first_sources
from app.core.storm import LEAST_OTHERS, Arrival, Storm, find_storm
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.db.knowledge.search import Search
from app.db.knowledge.store import upsert_articles, upsert_tickets
from app.db.ledger.arrivals import ArrivalSearch, arrival_of
from app.db.ledger.claims import Claim
from app.db.ledger.enhancements import Enhancements
from app.db.migrate import migrate
from app.db.session import Database, open_database
from demo.embedded import open_postgres
from eval.cases import load_cases
from eval.fits import history

HERE: Final = Path(__file__).parent
_COLLECT_FROM: Final = 5
_SHOWN: Final = 5
"""Sources of each kind that a worker gathers."""
_BATCH: Final = 200
_HISTORY_OF: Final = 6
"""One of so many public tickets, of all years, is in the history that tells which words are rare."""
_PUBLIC_WINDOW: Final = timedelta(hours=24)
"""The forum has 18 questions a day, as many as a help desk of some size has in an hour."""
_BEGAN: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)
# Moderators add these to a question's title once they know what it is about.
_BY_MODERATORS = re.compile(
    r"\((?:(?:not ?)?bitdefender|ESR128toRelease|[^)]*(?:locked|duplicate)[^)]*)\??\)", re.IGNORECASE
)
# What the data's collector put in place of addresses and numbers.
_PUT_IN = re.compile(r"\[(?:e-mail|number|link)\]")


@dataclass(slots=True)
class Count:
    """What was found."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: int = 0
    """Tickets whose label two others before them have, and which were found to be of no storm."""
    named: int = 0
    named_rightly: int = 0
    without_model: int = 0
    without_model_wrongly: int = 0

    def add(self, ticket_id: str, storm: Storm | None, label: str | None, labels: dict[str, str], before: int) -> None:
        if storm is None:
            self.missed += before >= LEAST_OTHERS
            return
        alike = sum(label is not None and labels.get(each.id) == label for each in storm.others)
        self.named += len(storm.others)
        self.named_rightly += alike
        self.without_model += storm.is_collected
        if alike >= LEAST_OTHERS:
            self.right += 1
        else:
            self.wrong.append(f"{ticket_id} like {', '.join(each.id for each in storm.others)}")
            self.without_model_wrongly += storm.is_collected

    def __str__(self) -> str:
        found = self.right + len(self.wrong)
        share = f"{100 * self.right / found:.0f} %" if found else "none"
        named = f"{100 * self.named_rightly / self.named:.0f} %" if self.named else "none"
        return (
            f"{found} storms found, {share} right; of {self.named} named tickets {named} right; {self.missed} missed;"
            f" {self.without_model} without the model, {self.without_model_wrongly} of them wrongly"
        )


async def arrive(database: Database, tenant: Tenant, ticket: Ticket, sources: Sequence[str] = ()) -> Arrival:
    """Reserve *ticket* as a worker does, and compare it with those before it. *sources*: those that fit it best."""
    claim = Claim(
        tenant.id, uuid4(), ticket.id, b"", 1, uuid4(), 1, _BEGAN, None, None, False, frozenset(), frozenset(), 0.0
    )
    when = ticket.created_at or _BEGAN
    arrival = arrival_of(ticket, tenant, accepted_at=when)
    await Enhancements(database).reserve(claim, version=ticket.version, ticket_updated_at=when, arrival=arrival)
    found = await ArrivalSearch(database, tenant, ticket_url=str).before(ticket.id, sources=sources)
    assert found is not None, "it was reserved"
    return found


async def _mark(
    database: Database, tenant: Tenant, ticket: Ticket, storm: Storm | None, sources: Sequence[str]
) -> None:
    """Store the ticket's first source, and of which storm it and the others are, as `Enhancements.save` does."""
    source = {"ticket": ticket.id, "source": next(iter(sources), None)}
    async with database.as_tenant(tenant.id) as session:
        await session.execute(text("update arrival set first_source = :source where ticket_id = :ticket"), source)
        if storm is not None:
            ids = [ticket.id, *(each.id for each in storm.others)]
            of_storm = text(
                "update arrival set storm_ticket_id = :first where ticket_id = any(:ids) and storm_ticket_id is null"
            )
            await session.execute(of_storm, {"first": storm.first.id, "ids": ids})


async def _sources(search: Search, ticket: Ticket) -> list[str]:
    """Those that fit *ticket* best, as a worker finds them."""
    found = {
        SourceKind.TICKET: await search.similar_tickets(ticket, limit=_SHOWN),
        SourceKind.ARTICLE: await search.articles(ticket, limit=_SHOWN),
    }
    return first_sources(
        Gathered(kind=kind, state=GatherState.OK, sources=tuple(sources)) for kind, sources in found.items()
    )


def a_tenant(language: str = "en", *, window: timedelta = timedelta(hours=1)) -> Tenant:
    return Tenant.model_validate(
        {
            "id": uuid4(),
            "slug": "bench",
            "name": "Bench",
            "servicedesk": {"edition": "on_premises", "url": "https://127.0.0.1:1", "technician": "bench"},
            "note": {"language": language},
            "storms": {"window_minutes": int(window.total_seconds() / 60), "collect_from": _COLLECT_FROM},
        }
    )


async def measure_mornings(
    database: Database, mornings: dict[str, Any], history: tuple[list[Ticket], list[Article]] = ([], [])
) -> Count:
    """Each morning at a help desk of its own. *history*: its resolved tickets and its articles."""
    count = Count()
    tickets, articles = history
    for name, morning in mornings.items():
        tenant = a_tenant(morning["language"])
        search = Search(database, tenant, ticket_url=str, article_url=str)
        async with database.as_tenant(tenant.id) as session:
            await upsert_tickets(session, tenant.id, tickets, language=morning["language"])
            await upsert_articles(session, tenant.id, articles, language=morning["language"])
        rows = [(f"{name}-{n}", *row) for n, row in enumerate(morning["tickets"])]
        labels = {id_: label for id_, *_, label in rows if label != "-"}
        for number, (id_, minute, who, site, subject, words, _) in enumerate(rows):
            ticket = Ticket(
                id=id_,
                subject=subject,
                description=words,
                requester=who,
                site=site,
                created_at=_BEGAN + timedelta(minutes=minute),
            )
            sources = await _sources(search, ticket)
            storm = find_storm(await arrive(database, tenant, ticket, sources), collect_from=_COLLECT_FROM)
            await _mark(database, tenant, ticket, storm, sources)
            label = labels.get(id_)
            before = sum(labels.get(each[0]) == label for each in rows[:number]) if label else 0
            count.add(id_, storm, label, labels, before)
    return count


@dataclass(frozen=True, slots=True)
class Public:
    """The public tickets, in the order of their times."""

    history: Sequence[Ticket]
    asked: Sequence[Ticket]

    @classmethod
    def load(cls, folder: Path) -> Public:
        with gzip.open(folder / "tickets.jsonl.gz", "rt", encoding="utf-8") as lines:
            tickets = sorted(
                (a_public_ticket(json.loads(line)) for line in lines), key=lambda t: (str(t.created_at), t.id)
            )
        return cls(tickets[::_HISTORY_OF], tickets)


def a_public_ticket(row: dict[str, str]) -> Ticket:
    at = datetime.fromisoformat(row["created"]).replace(tzinfo=UTC)
    subject, words = (_PUT_IN.sub(" ", _BY_MODERATORS.sub("", row[name])) for name in ("title", "body"))
    values = {"id": row["id"], "subject": subject, "description": words, "resolution": row.get("reply") or "-"}
    values["requester"] = row["id"]  # the data names nobody: each is taken for a person of their own
    return Ticket.model_validate({**values, "created_at": at, "updated_at": at, "resolved_at": at})


async def keep(database: Database, tenant: Tenant, history: Sequence[Ticket]) -> None:
    """Store the tickets of *history*: on a busy machine all at once take too long for one statement."""
    for begin in range(0, len(history), _BATCH):
        async with database.as_tenant(tenant.id) as session:
            await upsert_tickets(session, tenant.id, history[begin : begin + _BATCH], language=tenant.note.language)


async def compare_public(database: Database, public: Public) -> tuple[list[tuple[Ticket, Arrival]], float]:
    """Each public ticket with those of the day before it, and how long one takes, in ms."""
    tenant = a_tenant(window=_PUBLIC_WINDOW)
    await keep(database, tenant, public.history)
    began = time.perf_counter()
    found = [(ticket, await arrive(database, tenant, ticket)) for ticket in public.asked]
    return found, 1000 * (time.perf_counter() - began) / len(found)


def is_held(ticket: Ticket) -> bool:
    """Whether the ticket is of the half that no figure was chosen on: that of odd months."""
    return ticket.created_at is not None and ticket.created_at.month % 2 == 1


def judge_public(
    found: Sequence[tuple[Ticket, Arrival]], labels: dict[str, str], *, held: bool
) -> Iterator[tuple[Ticket, Storm | None, str | None]]:
    for ticket, arrival in found:
        if is_held(ticket) is held:
            yield ticket, find_storm(arrival, collect_from=_COLLECT_FROM), labels.get(ticket.id)


@asynccontextmanager
async def open_empty_database() -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        async with open_postgres(Path(folder), is_durable=False) as server:
            await server.create_database("storms")
            urls = await server.create_roles("storms")
            await migrate(urls.owner, tell=lambda _: None)
            async with open_database(urls.worker) as database:
                yield database


def read_labels() -> dict[str, str]:
    """The label of each public ticket that has one."""
    groups = yaml.safe_load((HERE / "storms_labels.yaml").read_text("utf-8"))
    return {str(id_): name for name, ids in groups.items() for id_ in ids}


def with_history() -> tuple[dict[str, Any], tuple[list[Ticket], list[Article]]]:
    """The mornings at a help desk with a history, by their sets, and that history."""
    sets = yaml.safe_load((HERE / "storms_with_history.yaml").read_text("utf-8"))
    tickets, articles = history(load_cases())
    own = [Article(id=f"storms-{n}", title=title, text=told) for n, (title, told) in enumerate(sets.pop("articles"))]
    return sets, (tickets, articles + own)


async def _measure(folder: Path | None, *, tells: bool) -> None:
    async with open_empty_database() as database:
        small = yaml.safe_load((HERE / "storms.yaml").read_text("utf-8"))
        large, past = with_history()
        counts = {name: await measure_mornings(database, mornings) for name, mornings in small.items()}
        for name, own in {**small, **{f"own words, {name}": own for name, own in large.items()}}.items():
            counts[f"with history, {name}"] = await measure_mornings(database, own, past)
        for name, count in counts.items():
            print(f"our mornings, {name}: {count}")
            if tells:
                print("\n".join(f"  wrong: {each}" for each in count.wrong))
        if folder is None or not (folder / "tickets.jsonl.gz").is_file():
            print(f"SKIPPED: no tickets.jsonl.gz in {folder or 'any folder; name one'}")
            return
        found, ms = await compare_public(database, Public.load(folder))
    labels = read_labels()
    for held in (False, True):
        count = Count()
        before: Counter[str] = Counter()
        for ticket, storm, label in judge_public(found, labels, held=held):
            count.add(ticket.id, storm, label, labels, before[label] if label else 0)
            before.update([label] if label else [])
        print(f"public tickets, {'held' if held else 'dev'}: {count}")
        if tells:
            print("\n".join(f"  wrong: {each}" for each in count.wrong))
    print(f"{len(found)} public tickets, {ms:.1f} ms each for reserving and comparing, both transactions included")


@click.command()
@click.argument("folder", required=False, envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path))
@click.option("--wrong", "tells", is_flag=True, help="List the wrong storms by their ids.")
def main(folder: Path | None, tells: bool) -> None:
    """Measure on our own mornings, and on the tickets in FOLDER."""
    asyncio.run(_measure(folder, tells=tells))


if __name__ == "__main__":
    main()
