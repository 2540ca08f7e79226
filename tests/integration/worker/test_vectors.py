"""A note that a ticket in other words is in, since it has vectors; and notes by words alone while the embedder is out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import structlog
from pydantic import SecretStr

from app.core.tenant import Tenant
from app.db.knowledge.store import upsert_tickets
from app.db.ledger.intake import Intake
from app.db.session import Database
from app.embedding import fill_vectors
from app.integrations.embeddings import open_embedder
from app.simulator.helpdesk import HelpDeskSimulator
from app.worker.app import open_worker
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.offline_model import ModelSimulator
from tests.builders import a_ticket
from tests.integration.embeddings_server import MODEL, EmbeddingsServer, open_embeddings
from tests.integration.worker.conftest import Stage, add_tenant, clear, fill_ticket_history, worker_settings

IN_OTHER_WORDS = a_ticket(
    id="950",
    subject="Sheets stuck in the copier",
    description="The copier of accounting at Riverside: sheets come out all crumpled.",
    resolution="Replaced the fuser unit of the copier.",
    status="Resolved",
    resolved_at=datetime(2026, 10, 3, tzinfo=UTC),
)


@pytest.fixture
async def embeddings() -> AsyncIterator[EmbeddingsServer]:
    async with open_embeddings() as server:
        yield server


@pytest.fixture
async def stage(
    urls: DatabaseUrls,
    worker_db: Database,
    intake: Intake,
    valkey: ValkeyServer,
    help_desk: HelpDeskSimulator,
    model: ModelSimulator,
    tmp_path: Path,
    embeddings: EmbeddingsServer,
) -> AsyncIterator[Stage]:
    """With an embedder, and the history filled."""
    tenant, portal = add_tenant(help_desk, tmp_path)
    settings = worker_settings(urls, valkey, tmp_path, model).model_copy(
        update={**embeddings.settings, "embedding_timeout_seconds": timedelta(seconds=0.5)}
    )
    async with open_worker(settings) as worker:
        await fill_ticket_history(worker_db, tenant)
        async with worker_db.as_tenant(tenant.id) as session:
            await upsert_tickets(session, tenant.id, [IN_OTHER_WORDS], language="en")
        await fill_history(worker_db, tenant, embeddings)
        yield Stage(portal, model, intake, worker_db, worker, tenant)
        await clear(worker_db)


async def fill_history(database: Database, tenant: Tenant, embeddings: EmbeddingsServer) -> None:
    key = SecretStr("key-of-the-embedder")
    async with open_embedder(MODEL, base_url=f"{embeddings.url}/v1", api_key=key) as embedder:
        assert embedder is not None
        [filling] = await fill_vectors(database, [tenant], embedder, within=timedelta(seconds=30))
    assert (filling.embedded, filling.problem) == (3, "")
    embeddings.asked.clear()


async def a_note(stage: Stage) -> tuple[str, UUID]:
    """About a printer: its words are of ticket 901 too, and three are of 950."""
    ticket_id = stage.ticket(
        subject="Paper jam", description="The printer of accounting at Riverside jams. jane@acme.example waits."
    )
    job_id = await stage.deliver_and_work(ticket_id)
    [note] = stage.notes(ticket_id)
    return note, job_id


async def test_a_note_names_the_ticket_in_other_words_and_what_left_was_masked(
    stage: Stage, embeddings: EmbeddingsServer
) -> None:
    note, _ = await a_note(stage)
    assert "Sheets stuck in the copier" in str(stage.model.requests)
    assert "Printer jams" in note
    assert embeddings.asked[-2:] == [
        "Paper jam",
        "Paper jam\nThe printer of accounting at Riverside jams. [email-1] waits.",
    ]


@pytest.mark.parametrize(("status", "seconds"), [(503, 0.0), (401, 0.0), (200, 30.0)], ids=["out", "refuses", "slow"])
async def test_without_the_embedder_the_note_is_there_and_says_nothing_of_it(
    stage: Stage, embeddings: EmbeddingsServer, status: int, seconds: float
) -> None:
    embeddings.status, embeddings.seconds = status, seconds
    with structlog.testing.capture_logs() as logs:
        note, job_id = await a_note(stage)
    assert "Printer jams" in note, "found by its words"
    assert "Sheets stuck in the copier" not in str(stage.model.requests), "not found by its words"
    assert "could not be looked up" not in note
    assert (await stage.delivery(job_id)).status == "done"
    assert "ticket_not_embedded" in [line["event"] for line in logs]
