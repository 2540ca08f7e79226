"""Vectors of tickets in PostgreSQL with pgvector: what they find, whose they are, and how they get there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from app.core.masking import MaskedText
from app.core.tenant import Tenant
from app.core.ticket import Ticket
from app.core.vectors import TicketVectors, Vector
from app.db.knowledge.documents import TICKETS
from app.db.knowledge.search import Search
from app.db.knowledge.store import drop_stored, upsert_tickets
from app.db.knowledge.vectors import NO_TABLE, find_nearest
from app.db.migrate import migrate
from app.db.session import Database, open_database
from app.embedding import Filling, embed_ticket, fill_vectors
from app.errors import ModelRefused, ModelUnavailable, TextRefused
from demo.embedded import PostgresServer
from tests.builders import a_tenant, a_ticket
from tests.embedders import ConceptEmbedder, a_vector

LIMIT = timedelta(seconds=30)
LONG_AGO = datetime(2025, 1, 6, tzinfo=UTC)


def resolved(id_: str, subject: str, description: str = "It began this morning.") -> Ticket:
    times = dict.fromkeys(("created_at", "updated_at", "resolved_at"), LONG_AGO)
    return a_ticket(id=id_, subject=subject, description=description, resolution="Restarted it on the phone.", **times)


HISTORY = [
    resolved("jam", "Sheets stuck in the copier", "Sheets come out of the copier all crumpled."),
    resolved("mail", "Outlook mailbox full", "No messages reach the inbox."),
    resolved("vpn", "Tunnel drops", "The remote tunnel ends."),
    *(resolved(f"other{number}", f"Licence {number} for the drawing program") for number in range(20)),
]
# At a fixed time: how old a ticket is counts, so two rankings a second apart would differ.
ASKS = a_ticket(
    id="asks",
    subject="Paper jam",
    description="The printer jams since noon.",
    resolution="",
    created_at="2026-11-20T10:00:00Z",
)


async def store(database: Database, tenant: Tenant, tickets: Iterable[Ticket]) -> None:
    async with database.as_tenant(tenant.id) as session:
        await upsert_tickets(session, tenant.id, tickets, language=tenant.note.language)


async def fill(database: Database, tenant: Tenant, embedder: ConceptEmbedder, *, within: timedelta = LIMIT) -> Filling:
    [filling] = await fill_vectors(database, [tenant], embedder, within=within)
    return filling


async def vectors_of(ticket: Ticket, embedder: ConceptEmbedder) -> TicketVectors:
    vectors = await embed_ticket(ticket, embedder, a_tenant(), limit=LIMIT)
    assert vectors is not None
    return vectors


def a_search(database: Database, tenant: Tenant) -> Search:
    return Search(database, tenant, ticket_url=str, article_url=str)


@pytest.fixture
async def tenant(worker_db: Database) -> Tenant:
    """With `HISTORY`, and no vectors yet."""
    tenant = a_tenant()
    await store(worker_db, tenant, HISTORY)
    return tenant


async def test_a_near_title_is_a_candidate_and_a_near_text_counts(worker_db: Database, tenant: Tenant) -> None:
    embedder, search = ConceptEmbedder(), a_search(worker_db, tenant)
    by_words = [match.id for match in await search.rank_tickets(ASKS, limit=20)]
    assert "jam" not in by_words, "it has no word of the query"

    assert (await fill(worker_db, tenant, embedder)).embedded == len(HISTORY)
    vectors = await vectors_of(ASKS, embedder)
    ranked = await search.rank_tickets(ASKS, limit=20, vectors=vectors)
    assert ranked[0].id == "jam"
    assert ranked[0].fit > 0.1


async def test_by_words_alone_nothing_changes_where_there_are_vectors(worker_db: Database, tenant: Tenant) -> None:
    search = a_search(worker_db, tenant)
    asks = ASKS.model_copy(update={"subject": "Licence for the drawing program", "description": ""})
    before = await search.rank_tickets(asks, limit=20)
    await fill(worker_db, tenant, ConceptEmbedder())
    assert await search.rank_tickets(asks, limit=20) == before
    assert await search.similar_tickets(asks, limit=5) == await search.similar_tickets(asks, limit=5, vectors=None)


async def test_vectors_of_another_model_are_not_compared(worker_db: Database, tenant: Tenant) -> None:
    await fill(worker_db, tenant, ConceptEmbedder(model="before"))
    vectors = await vectors_of(ASKS, ConceptEmbedder(model="after"))
    search = a_search(worker_db, tenant)
    assert await search.rank_tickets(ASKS, limit=20, vectors=vectors) == await search.rank_tickets(ASKS, limit=20)
    assert (await fill(worker_db, tenant, ConceptEmbedder(model="after"))).embedded == len(HISTORY)
    assert (await search.rank_tickets(ASKS, limit=20, vectors=vectors))[0].id == "jam"


@pytest.mark.parametrize("exact_up_to", [20_000, 0], ids=["compared one by one", "by the index"])
async def test_a_tenant_finds_its_own_titles_among_those_of_all(worker_db: Database, exact_up_to: int) -> None:
    mine, theirs = a_tenant(), a_tenant("globex")
    await store(worker_db, mine, HISTORY)
    await store(worker_db, theirs, [resolved(f"t{number}", f"Paper jam {number}") for number in range(400)])
    embedder = ConceptEmbedder(model=f"all-{exact_up_to}")
    await fill_vectors(worker_db, [mine, theirs], embedder, within=LIMIT)
    vectors = await vectors_of(ASKS, embedder)
    async with worker_db.transaction(mine.id) as tx:
        [nearest] = await find_nearest(tx, mine.id, vectors, exact_up_to=exact_up_to) or []
    async with worker_db.as_tenant(mine.id) as session:
        found = await (await session.connection()).exec_driver_sql(
            f"select id from ticket where document = {nearest}"  # PostgreSQL shows this tenant's alone
        )
        assert found.scalar_one() == "jam"
    async with worker_db.transaction(None) as tx:
        assert await find_nearest(tx, theirs.id, vectors, exact_up_to=exact_up_to) == []


async def test_filling_goes_on_where_it_was_ended_and_embeds_what_changed(worker_db: Database, tenant: Tenant) -> None:
    embedder = ConceptEmbedder()
    assert (await fill(worker_db, tenant, embedder, within=timedelta(0))).embedded == 0
    assert (await fill(worker_db, tenant, embedder)).embedded == len(HISTORY)
    embedder.asked.clear()
    assert (await fill(worker_db, tenant, embedder)).embedded == 0

    changed = resolved("mail", "Outlook is slow", "Outlook is slow since noon.")
    await store(worker_db, tenant, [changed.model_copy(update={"updated_at": LONG_AGO + timedelta(days=1)})])
    assert (await fill(worker_db, tenant, embedder)).embedded == 1
    assert embedder.asked == ["Outlook is slow", "Outlook is slow\nOutlook is slow since noon."]


class SlowEmbedder(ConceptEmbedder):
    async def embed(self, texts: Sequence[MaskedText]) -> list[Vector]:
        await asyncio.sleep(0.3)
        return await super().embed(texts)


async def test_filling_ends_within_a_turn_when_its_time_is_over(worker_db: Database) -> None:
    tenants = [a_tenant(f"t{number}") for number in range(4)]
    for each in tenants:
        await store(worker_db, each, [resolved("jam", "Paper jam")])
    fillings = await fill_vectors(worker_db, tenants, SlowEmbedder(), within=timedelta(seconds=0.2))
    assert [filling.tenant.slug for filling in fillings] == ["t0", "t1", "t2", "t3"]
    assert sum(filling.embedded for filling in fillings) <= 1
    assert not any(filling.is_done or filling.problem for filling in fillings)


async def test_the_vectors_of_a_ticket_go_with_it(
    worker_db: Database, tenant: Tenant, superuser: asyncpg.Connection
) -> None:
    await fill(worker_db, tenant, ConceptEmbedder())
    async with worker_db.as_tenant(tenant.id) as session:
        await drop_stored(session, tenant.id, TICKETS, [ticket.id for ticket in HISTORY], language="en")
    assert await superuser.fetchval("select count(*) from ticket_vector where tenant_id = $1", tenant.id) == 0


async def test_a_text_that_is_refused_is_left_out_and_not_asked_again(worker_db: Database, tenant: Tenant) -> None:
    embedder = ConceptEmbedder(refuses="Tunnel")
    filling = await fill(worker_db, tenant, embedder)
    assert (filling.embedded, filling.problem) == (len(HISTORY) - 1, "")
    embedder.asked.clear()
    await fill(worker_db, tenant, embedder)
    assert embedder.asked == []
    ranked = await a_search(worker_db, tenant).rank_tickets(
        a_ticket(id="q", subject="Tunnel drops", description=""), limit=5, vectors=await vectors_of(ASKS, embedder)
    )
    assert "vpn" in [match.id for match in ranked], "it is found by its words"


async def test_a_text_that_is_refused_alone_is_told_from_an_embedder_that_refuses_all(worker_db: Database) -> None:
    tenant = a_tenant()
    await store(worker_db, tenant, [resolved("poison", "Tunnel drops")])
    assert (await fill(worker_db, tenant, ConceptEmbedder(fails=TextRefused("no")))).problem == "no"
    embedder = ConceptEmbedder(refuses="Tunnel")
    assert (await fill(worker_db, tenant, embedder)).problem == ""
    embedder.asked.clear()
    assert (await fill(worker_db, tenant, embedder)).problem == ""
    assert embedder.asked == []


@pytest.mark.parametrize("failure", [ModelUnavailable("no answer"), ModelRefused("check EMBEDDING_API_KEY")])
async def test_an_embedder_that_fails_costs_few_calls_and_no_other_tenant(
    worker_db: Database, tenant: Tenant, failure: ModelUnavailable | ModelRefused
) -> None:
    embedder = ConceptEmbedder(fails=failure)
    filling = await fill(worker_db, tenant, embedder)
    assert (filling.embedded, filling.problem) == (0, failure.detail)
    assert len(embedder.asked) <= 2 * 16 + 1
    assert (await fill(worker_db, tenant, ConceptEmbedder())).embedded == len(HISTORY)


async def test_a_tenant_with_a_model_of_its_own_sends_nothing_to_a_shared_endpoint(worker_db: Database) -> None:
    own = a_tenant(model={"base_url": "https://api.own.example/v1", "name": "m"})
    await store(worker_db, own, HISTORY)
    embedder = ConceptEmbedder(is_shared_endpoint=True)
    assert await fill_vectors(worker_db, [own], embedder, within=LIMIT) == []
    assert embedder.asked == []


@pytest.fixture
async def plain_db(postgres: PostgresServer) -> AsyncIterator[Database]:
    """A database without pgvector."""
    await postgres.create_database("plain")
    urls = await postgres.create_roles("plain")
    await migrate(urls.owner, tell=lambda _: None)
    async with open_database(urls.worker) as database:
        yield database
    await postgres.drop_database("plain")


async def test_without_pgvector_everything_goes_by_words(plain_db: Database) -> None:
    tenant, embedder = a_tenant(), ConceptEmbedder()
    await store(plain_db, tenant, HISTORY)
    filling = await fill(plain_db, tenant, embedder)
    assert (filling.embedded, filling.problem) == (0, NO_TABLE)
    search = a_search(plain_db, tenant)
    asks = a_ticket(id="q", subject="Outlook mailbox full", description="")
    vectors = TicketVectors("concepts", a_vector(asks.subject), a_vector(asks.subject))
    found = await search.similar_tickets(asks, limit=5, vectors=vectors)
    assert [source.id for source in found] == ["mail"]
    assert found == await search.similar_tickets(asks, limit=5)
