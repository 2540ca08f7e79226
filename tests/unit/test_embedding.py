"""The vectors of a ticket that asks: there in time, or left out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
import structlog

from app.core.masking import MaskedText
from app.core.vectors import Vector
from app.embedding import embed_ticket, may_embed
from app.errors import AppError, ModelRefused, ModelUnavailable, TextRefused
from tests.builders import a_tenant, a_ticket
from tests.embedders import ConceptEmbedder, a_vector

TICKET = a_ticket(subject="Paper jam", description="The printer of jane@acme.example jams.")


class Slow(ConceptEmbedder):
    async def embed(self, texts: Sequence[MaskedText]) -> list[Vector]:
        await asyncio.sleep(60)
        return await super().embed(texts)


async def test_title_and_text_in_one_call_masked() -> None:
    embedder = ConceptEmbedder()
    found = await embed_ticket(TICKET, embedder, a_tenant(), limit=timedelta(seconds=5))
    assert embedder.asked == ["Paper jam", "Paper jam\nThe printer of [email-1] jams."]
    assert found is not None
    assert (found.model, found.title, found.text) == ("concepts", *(a_vector(text) for text in embedder.asked))


@pytest.mark.parametrize(
    ("embedder", "cause"),
    [
        (Slow(), "no answer in time"),
        *(
            (ConceptEmbedder(fails=error), error.detail)
            for error in (ModelUnavailable("away"), ModelRefused("check EMBEDDING_API_KEY"), TextRefused("no"))
        ),
    ],
)
async def test_without_an_answer_in_time_there_are_none_and_the_log_says_why(
    embedder: ConceptEmbedder, cause: AppError
) -> None:
    with structlog.testing.capture_logs() as logs:
        assert await embed_ticket(TICKET, embedder, a_tenant(), limit=timedelta(milliseconds=50)) is None
    assert [(line["event"], line["cause"]) for line in logs] == [("ticket_not_embedded", cause)]


class Broken(ConceptEmbedder):
    async def embed(self, texts: Sequence[MaskedText]) -> list[Vector]:
        raise RuntimeError(f"of the library, about {len(texts)} texts")


async def test_what_nobody_expects_costs_the_vectors_alone() -> None:
    with structlog.testing.capture_logs() as logs:
        assert await embed_ticket(TICKET, Broken(), a_tenant(), limit=timedelta(seconds=5)) is None
    assert [line["event"] for line in logs] == ["embedding_crashed", "ticket_not_embedded"]


async def test_a_ticket_in_another_language_is_not_sent_to_an_embedder_of_english() -> None:
    embedder = ConceptEmbedder(is_english_only=True)
    ticket = a_ticket(subject="Drucker", description="Der Drucker ist offline und druckt nicht.")
    assert await embed_ticket(ticket, embedder, a_tenant(), limit=timedelta(seconds=5)) is None
    assert embedder.asked == []


def test_a_model_of_the_clients_own_keeps_its_texts_from_an_endpoint_of_all() -> None:
    own = a_tenant(model={"base_url": "https://api.own.example/v1", "name": "m"})
    assert not may_embed(own, ConceptEmbedder(is_shared_endpoint=True))
    assert may_embed(own, ConceptEmbedder(is_shared_endpoint=False))
    assert may_embed(a_tenant(), ConceptEmbedder(is_shared_endpoint=True))
