"""How well and how fast the search finds tickets that people have linked as the same problem.

    python bench/retrieval.py FOLDER
    python bench/retrieval.py FOLDER --train      # and write app/db/knowledge/link_weights.toml anew
    python bench/retrieval.py FOLDER --vectors vectors.sqlite   # with the embedder minilm; the file keeps its vectors
    python bench/retrieval.py FOLDER --same-author   # what links cost those who ask again, and nothing else

FOLDER holds `tickets.jsonl.gz` (id, created, title, body, reply, topic) and `similar.dev.json` (query id → ids of the
earlier tickets that a reply linked). It is not part of the project; without it the measurement is skipped. The results
are in retrieval.md.

Quality is measured as a replay: tickets are stored in the order of their times, and a query sees the tickets before it,
and the links of tickets that were a day old; so never its own. The last quarter of the queries is kept back, and judged
with `--kept-back` alone, which is for the end of a change: weights are trained on the others. Cost is measured
afterwards, with all tickets stored: the CPU time of PostgreSQL's processes, not the time that a call takes, which on a
machine with other users says more of these. PostgreSQL is the embedded one.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import itertools
import json
import random
import sqlite3
import statistics
import tempfile
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from math import log
from pathlib import Path
from types import MappingProxyType
from typing import Final
from uuid import uuid4

import asyncpg
import click

from app.core.masking import MaskedText
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.core.vectors import Embedder, TicketVectors, Vector
from app.db.knowledge.linking import keep_links
from app.db.knowledge.search import LinkWeights, Match, Search, load_link_weights
from app.db.knowledge.store import upsert_tickets
from app.db.migrate import migrate
from app.db.session import Database, open_database
from app.embedding import embed_ticket, fill_vectors
from app.integrations.minilm import open_minilm
from demo.embedded import PostgresServer, open_postgres

DEPTH: Final = 100
_BATCH: Final = 200
_KEPT_BACK: Final = 0.25
_LINK_AGE: Final = timedelta(days=1)
_PATIENCE: Final = timedelta(hours=2)
# Marks a question without an answer, which must be findable too.
NO_REPLY: Final = "-"
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_FEW_WORDS: Final = 150
_FEW_WORDS_TICKETS: Final = 3_000
_WARM_UP: Final = 10
_NO_LINKS: Final = LinkWeights(similar=0, often=0, most_often=1, same_category=0, ceiling=1)
# Of queries whose ticket the words alone find among the first so many, links may cost so much of MAP.
_FOUND, _MOST_LOST = 5, 0.03


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

    @classmethod
    def of(cls, matches: Sequence[Match], linked: set[str]) -> Quality:
        quality = cls()
        quality.add(matches, linked)
        return quality

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
    again: dict[str, set[str]] = field(default_factory=dict)
    """For questions of somebody who asked shortly before, the earlier one: it may be the same problem."""

    @property
    def queries(self) -> list[Ticket]:
        return [ticket for ticket in self.tickets if ticket.id in self.linked]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found."""

    matches: Sequence[Match]
    linked: set[str]
    is_first: bool
    """Whether no ticket was linked to any of `linked` before, so that links can only hurt."""

    def ranked(self, weights: LinkWeights) -> list[Match]:
        best = max((match.fit for match in self.matches), default=0.0)
        return sorted(self.matches, key=lambda match: (-relevance(match, weights, best) * match.boost, match.id))

    def place(self, weights: LinkWeights) -> int:
        """How many other tickets come before the first of `linked`."""
        return next((place for place, match in enumerate(self.ranked(weights)) if match.id in self.linked), DEPTH)


class KeptEmbedder:
    """An embedder whose vectors are kept in a file, so that the next measurement does not make them again."""

    def __init__(self, embedder: Embedder, file: Path) -> None:
        self._embedder = embedder
        self.model, self.is_english_only = embedder.model, embedder.is_english_only
        self.is_shared_endpoint = embedder.is_shared_endpoint
        self._file = sqlite3.connect(file, isolation_level=None)
        self._file.execute("create table if not exists vector (text blob primary key, numbers blob)")

    async def embed(self, texts: Sequence[MaskedText]) -> list[Vector]:
        return [await self._one(text) for text in texts]

    async def _one(self, text: MaskedText) -> Vector:
        key = hashlib.sha256(f"{self.model}\x1f{text}".encode()).digest()
        kept = self._file.execute("select numbers from vector where text = ?", (key,)).fetchone()
        if kept is not None:
            return array("f", kept[0]).tolist()
        [vector] = await self._embedder.embed([text])
        self._file.execute("insert into vector values (?, ?)", (key, array("f", vector).tobytes()))
        return vector


def load_sample(folder: Path) -> Sample:
    with gzip.open(folder / "tickets.jsonl.gz", "rt", encoding="utf-8") as lines:
        tickets = [_ticket(json.loads(line)) for line in lines]
    known = {ticket.id for ticket in tickets}
    queries = json.loads((folder / "similar.dev.json").read_text("utf-8"))
    linked = {query: set(ids) & known for query, ids in queries.items() if query in known and set(ids) & known}
    again_file = folder / "same_author.dev.json"
    again = json.loads(again_file.read_text("utf-8")) if again_file.is_file() else {}
    ordered = sorted(tickets, key=lambda ticket: (ticket.created_at or _LONG_AGO, ticket.id))
    return Sample(ordered, linked, {query: set(ids) for query, ids in again.items()})


def _ticket(row: dict[str, str]) -> Ticket:
    created_at = datetime.fromisoformat(row["created"]).replace(tzinfo=UTC)
    return Ticket(
        id=row["id"],
        subject=row["title"],
        description=row["body"],
        resolution=row.get("reply") or NO_REPLY,
        category=row.get("topic") or "",
        created_at=created_at,
        updated_at=created_at,
        resolved_at=created_at,
    )


def few_words() -> list[Ticket]:
    """Tickets of few words, so that each term is in many: what costs the search most."""
    chance = random.Random(1)
    words = ["".join(chance.choices("bcdfgklmnprst", k=3)) + "amo" + str(number % 7) for number in range(_FEW_WORDS)]
    return [
        Ticket(
            id=str(number),
            subject=" ".join(chance.choices(words, k=6)),
            description=" ".join(chance.choices(words, k=40)),
            resolution=" ".join(chance.choices(words, k=15)),
            created_at=_LONG_AGO + timedelta(days=800_000, minutes=number),
            resolved_at=_LONG_AGO + timedelta(days=800_000, minutes=number),
        )
        for number in range(_FEW_WORDS_TICKETS)
    ]


async def replay(
    database: Database,
    tenant: Tenant,
    search: Search,
    sample: Sample,
    embedder: Embedder | None = None,
    *,
    of_same_author: bool = False,
) -> list[Answer]:
    """Store all tickets in their order, and run each query at its time; with *embedder*, by vectors too."""
    targets = sample.again if of_same_author else sample.linked
    answers: list[Answer] = []
    waiting: list[Ticket] = []
    links: list[Ticket] = []
    known: set[str] = set()
    for ticket in sample.tickets:
        if ticket.id in sample.linked or ticket.id in targets:
            await _store(database, tenant, waiting)
            waiting = []
            old_enough = (ticket.created_at or _LONG_AGO) - _LINK_AGE
            ripe = [each for each in links if (each.created_at or _LONG_AGO) <= old_enough]
            links = [each for each in links if each not in ripe]
            known.update(*(each.linked_to for each in ripe))
            async with database.as_tenant(tenant.id) as session:
                await keep_links(session, tenant.id, ripe)
            if wanted := targets.get(ticket.id):
                vectors = await _embed(database, tenant, ticket, embedder)
                matches = await search.rank_tickets(ticket, limit=DEPTH, vectors=vectors)
                answers.append(Answer(matches, wanted, not wanted & known))
            if linked := sample.linked.get(ticket.id):
                links.append(ticket.model_copy(update={"linked_to": tuple(sorted(linked)), "resolution": ""}))
        waiting.append(ticket)
        if len(waiting) >= _BATCH:
            await _store(database, tenant, waiting)
            waiting = []
    await _store(database, tenant, waiting)
    return answers


async def _embed(database: Database, tenant: Tenant, ticket: Ticket, embedder: Embedder | None) -> TicketVectors | None:
    """The vectors of *ticket*, when all that are stored have theirs."""
    if embedder is None:
        return None
    for filling in await fill_vectors(database, [tenant], embedder, within=_PATIENCE):
        if filling.problem:
            raise SystemExit(filling.problem)
    return await embed_ticket(ticket, embedder, tenant, limit=_PATIENCE)


def judge(answers: Sequence[Answer]) -> Quality:
    quality = Quality()
    for answer in answers:
        quality.add(answer.matches, answer.linked)
    return quality


def train(answers: Sequence[Answer]) -> LinkWeights:
    """The weights by which MAP of *answers* is best, of those that cost little where links can't help."""
    grid = (0.75, 0.9, 1.0), (0.1, 0.15, 0.2), (1.3, 1.5), (0.0, 0.05, 0.1), (0.8, 0.9, 1.0, 1.1)
    own = [answer for answer in answers if answer.is_first and answer.place(_NO_LINKS) < _FOUND]
    least = _precision(own, _NO_LINKS) - _MOST_LOST
    choices = [LinkWeights(*choice) for choice in itertools.product(*grid)]
    return max(
        (weights for weights in choices if _precision(own, weights) >= least),
        key=lambda weights: _precision(answers, weights),
        default=_NO_LINKS,
    )


def _precision(answers: Sequence[Answer], weights: LinkWeights) -> float:
    """MAP of *answers*, 0 to 1."""
    return statistics.mean(Quality.of(answer.ranked(weights), answer.linked).precision[0] for answer in answers)


def relevance(match: Match, weights: LinkWeights, best: float) -> float:
    """As rank.sql computes it; *best*: the best fit."""
    lifted: float = pow(pow(match.fit, 3) + pow(weights.similar * match.linked_fit, 3), 1 / 3)
    lifted *= min(1 + weights.often * log(1 + match.times_linked), weights.most_often)
    lifted *= 1 + weights.same_category * match.is_same_category
    at_least = match.fit + 0.05 * (lifted - match.fit)
    most = weights.ceiling * best
    return max(at_least, min(lifted, most + 0.3 * (lifted - most)))


def write_weights(weights: LinkWeights) -> None:
    path = Path(str(resources.files("app.db.knowledge").joinpath("link_weights.toml")))
    head = [line for line in path.read_text("utf-8").splitlines() if line.startswith("#")]
    figures = [
        f"trained_on = {datetime.now(UTC).date().isoformat()}",
        *(f"{name} = {each}" for name, each in asdict(weights).items()),
    ]
    path.write_text("\n".join([*head, *figures, ""]), encoding="utf-8")


async def measure_cost(
    server: PostgresServer, ask: Callable[[Ticket], Awaitable[object]], queries: Sequence[Ticket]
) -> str:
    """What *ask* takes for each query, one after another, its transaction included."""
    took = []
    for query in queries[:_WARM_UP]:
        await ask(query)
    before = _cpu_ms(server.pid)
    for query in queries:
        begun = time.perf_counter()
        await ask(query)
        took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    cpu = sum(spent - before.get(process, 0) for process, spent in _cpu_ms(server.pid).items()) / len(queries)
    p95 = took[int(len(took) * 0.95)]
    return f"{cpu:.1f} ms CPU of PostgreSQL; median {statistics.median(took):.1f} ms, p95 {p95:.1f} ms"


def _cpu_ms(server: int) -> Mapping[str, float]:
    """CPU time so far of each of *server*'s processes for our connections, by its id; none outside Linux."""
    spent: dict[str, float] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == server and b"ai_agents_worker" in (process / "cmdline").read_bytes():
                spent[process.name] = int((process / "schedstat").read_text().split()[0]) / 1e6
        except OSError:
            continue  # it ended meanwhile
    return spent


async def _store(database: Database, tenant: Tenant, tickets: Sequence[Ticket]) -> None:
    if tickets:
        async with database.as_tenant(tenant.id) as session:
            await upsert_tickets(session, tenant.id, tickets, language=tenant.note.language)


async def _vacuum(server: PostgresServer) -> None:
    """As autovacuum does in a while, so that each run measures the same."""
    connection = await asyncpg.connect(server.superuser_url("retrieval"))
    try:
        for table in ("posting", "term", "ticket", "ticket_link", "ticket_vector"):
            await connection.execute(f"vacuum analyze {table}")
    finally:
        await connection.close()


@asynccontextmanager
async def _open_empty_database() -> AsyncIterator[tuple[PostgresServer, Database]]:
    with tempfile.TemporaryDirectory() as folder:
        async with open_postgres(Path(folder), is_durable=False) as server:
            await server.create_database("retrieval")
            urls = await server.create_roles("retrieval")
            superuser = await asyncpg.connect(urls.superuser)
            await superuser.execute("create extension vector")
            await superuser.close()
            await migrate(urls.owner, tell=lambda _: None)
            async with open_database(urls.worker) as database:
                yield server, database


def _tenant(slug: str) -> Tenant:
    return Tenant.model_validate(
        {
            "id": uuid4(),
            "slug": slug,
            "name": slug,
            "servicedesk": {"edition": "on_premises", "url": "https://127.0.0.1:1", "technician": "bench"},
        }
    )


async def measure_same_author(folder: Path) -> None:
    """Print what links cost queries whose author asked shortly before, where links can hardly help."""
    sample, tenant = load_sample(folder), _tenant("bench")
    if not sample.again:
        print("SKIPPED: no same_author.dev.json; bench/public_set.py makes it")
        return
    async with _open_empty_database() as (_, database):
        search = Search(database, tenant, ticket_url=str, article_url=str)
        answers = await replay(database, tenant, search, sample, of_same_author=True)
    by_words = [answer for answer in answers if answer.place(_NO_LINKS) < _FOUND]
    for name, own in (("asked again", answers), ("of these, that words alone find", by_words)):
        for label, weights in (("by words", _NO_LINKS), ("with links", load_link_weights())):
            _tell(f"{name}, {label}", [replace(answer, matches=answer.ranked(weights)) for answer in own])


async def measure(folder: Path, *, trains: bool = False, judges_all: bool = False, kept: Path | None = None) -> Quality:
    """Print all figures. Returns those of the queries that were tuned on."""
    sample = load_sample(folder)
    tenant, worst = _tenant("bench"), _tenant("few-words")
    async with AsyncExitStack() as stack:
        server, database = await stack.enter_async_context(_open_empty_database())
        embedder = None
        if kept is not None:
            embedder = KeptEmbedder(await stack.enter_async_context(open_minilm()), kept)
        search = Search(database, tenant, ticket_url=str, article_url=str)
        answers = await replay(database, tenant, search, sample, embedder)
        tuned = answers[: round(len(answers) * (1 - _KEPT_BACK))]
        kept_back = answers[len(tuned) :]
        print(f"{len(sample.tickets)} tickets, {len(answers)} queries, {len(kept_back)} of them kept back")
        quality = judge(tuned)
        _tell("tuned on", tuned)
        first = [answer for answer in tuned if answer.is_first]
        _tell("of these, linked for the first time", first)
        own = [answer for answer in first if answer.place(_NO_LINKS) < _FOUND]
        if own:
            with_links = statistics.mean(Quality.of(answer.matches, answer.linked).precision[0] for answer in own)
            print(
                f"of these, {len(own)} that words alone find: MAP {_precision(own, _NO_LINKS):.3f} by words,"
                f" {with_links:.3f} with links"
            )
        if judges_all:
            _tell("kept back", kept_back)
        if trains:
            weights = train(tuned)
            old = load_link_weights()
            write_weights(weights)
            print(f"trained: {weights}: MAP {_precision(tuned, weights):.3f}; before {_precision(tuned, old):.3f}")
            return quality
        await _vacuum(server)
        for name, ask in _asked(search):
            print(f"{name}: {await measure_cost(server, ask, sample.queries)}")
        if embedder is not None:
            of_query = {
                query.id: await embed_ticket(query, embedder, tenant, limit=_PATIENCE) for query in sample.queries
            }
            for name, ask in _asked(search, of_query):
                print(f"with vectors, {name}: {await measure_cost(server, ask, sample.queries)}")
        tickets = few_words()
        begun = time.perf_counter()
        for start in range(0, len(tickets), _BATCH):
            await _store(database, worst, tickets[start : start + _BATCH])
        seconds = time.perf_counter() - begun
        await _vacuum(server)
        print(f"few words: {len(tickets) / seconds:.0f} tickets stored and indexed a second")
        for name, ask in _asked(Search(database, worst, ticket_url=str, article_url=str)):
            print(f"few words, {name}: {await measure_cost(server, ask, tickets[-100:])}")
    return quality


def _asked(
    search: Search, vectors: Mapping[str, TicketVectors | None] = MappingProxyType({})
) -> list[tuple[str, Callable[[Ticket], Awaitable[object]]]]:
    """*vectors*: of tickets, by id."""
    return [
        ("20 ranked", lambda ticket: search.rank_tickets(ticket, limit=20, vectors=vectors.get(ticket.id))),
        (
            "5 similar tickets with their passages",
            lambda ticket: search.similar_tickets(ticket, limit=5, vectors=vectors.get(ticket.id)),
        ),
    ]


def _tell(name: str, answers: Sequence[Answer]) -> None:
    if not answers:
        return
    quality = judge(answers)
    print(
        f"{name}: {len(answers)} queries:"
        f" MAP {_percent(quality.precision)}  R@5 {_percent(quality.recall_5)}  R@20 {_percent(quality.recall_20)};"
        f" good matches: R@5 {_percent(quality.good_recall_5)}, {statistics.mean(quality.good):.1f} of 5,"
        f" none for {_percent([not good for good in quality.good])} % of the queries"
    )


def _percent(shares: Sequence[float]) -> str:
    return f"{100 * statistics.mean(shares):.1f}"


@click.command()
@click.argument("folder", required=False, envvar="RETRIEVAL_DATA", type=click.Path(path_type=Path))
@click.option("--train", "trains", is_flag=True, help="Write app/db/knowledge/link_weights.toml anew.")
@click.option("--kept-back", "judges_all", is_flag=True, help="Judge the queries that are kept back too.")
@click.option(
    "--vectors", "kept", type=click.Path(path_type=Path), help="Search by vectors too; the file in which they are kept."
)
@click.option("--same-author", is_flag=True, help="Only what links cost those who ask again.")
def main(folder: Path | None, *, trains: bool, judges_all: bool, kept: Path | None, same_author: bool) -> None:
    """Measure the search on the tickets in FOLDER (or of the variable RETRIEVAL_DATA)."""
    if folder is None or not (folder / "tickets.jsonl.gz").is_file():
        print(f"SKIPPED: no tickets.jsonl.gz in {folder or 'any folder; name one'}")
        return
    if same_author:
        asyncio.run(measure_same_author(folder))
        return
    asyncio.run(measure(folder, trains=trains, judges_all=judges_all, kept=kept))


if __name__ == "__main__":
    main()
