"""Embeddings of servers as they publish them, replayed by a stub that refuses what they refuse."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2  # for its forms of a request and an answer
import pytest

from app.core.masking import Mask, MaskedText
from app.core.vectors import DIMENSIONS
from app.errors import AppError, ModelRefused, ModelUnavailable, TextRefused
from app.integrations.embeddings import EndpointEmbedder
from tests.model_wire import an_endpoint

SERVERS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("embedding_servers.json").read_text("utf-8"))
USABLE = [told for told in SERVERS if told["numbers"] == DIMENSIONS or told["shortens"] is True]
OTHERS = [told for told in SERVERS if told not in USABLE]
Answer = Callable[[httpx2.Request], httpx2.Response]


def name_of(told: dict[str, Any]) -> str:
    return str(told["server"])


def texts(*plain: str) -> list[MaskedText]:
    return [Mask().text(text) for text in plain]


def an_embedder(answer: Answer) -> EndpointEmbedder:
    return EndpointEmbedder(an_endpoint(answer, url="http://embeddings.example/v1"), model="the-model")


@dataclass
class Server:
    """Behaves as one server does. The vector of a text points along its length."""

    told: dict[str, Any]
    longest: int = 10_000
    """Characters of a text that it reads."""
    calls: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/v1/embeddings"
        call = json.loads(request.content)
        self.calls.append(call)
        asked = call.get("dimensions")
        if asked is not None and "refuses_dimensions" in self.told:
            return self._refusal("refuses_dimensions")
        if len(call["input"]) > self.told.get("most_texts", 2048):
            return self._refusal("too_many")
        if any(len(text) > self.longest for text in call["input"]):
            return self._refusal("too_long")
        numbers = asked if asked is not None and self.told["shortens"] is True else self.told["numbers"]
        data = [
            {"object": "embedding", "index": place, "embedding": self._embedding(text, numbers)}
            for place, text in enumerate(call["input"])
        ]
        for each in data:
            if self.told.get("leaves_out_index") or (self.told.get("leaves_out_index_0") and each["index"] == 0):
                del each["index"]
        if self.told.get("reverses"):
            data.reverse()
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return httpx2.Response(200, json={"object": "list", "model": call["model"], "data": data, "usage": usage})

    def _embedding(self, text: str, numbers: int) -> Any:
        vector = [0.0] * numbers
        vector[len(text) % DIMENSIONS] = 3.0
        return base64.b64encode(struct.pack(f"<{numbers}f", *vector)).decode() if self.told.get("base64") else vector

    def _refusal(self, name: str) -> httpx2.Response:
        return httpx2.Response(self.told[name]["status"], json=self.told[name]["body"])


@pytest.mark.parametrize("told", USABLE, ids=name_of)
async def test_each_text_gets_its_own_vector_of_length_1(told: dict[str, Any]) -> None:
    server = Server(told)
    embedder = an_embedder(server.answer)
    for _ in range(2):
        vectors = await embedder.embed(texts("a", "bcd", "ef"))
        assert [vector.index(1.0) for vector in vectors] == [1, 3, 2]
        assert {len(vector) for vector in vectors} == {DIMENSIONS}
    assert len(server.calls) == 3, "one more at first, of one text, tells how long its vectors are"
    assert len(server.calls[0]["input"]) == 1


@pytest.mark.parametrize("told", OTHERS, ids=name_of)
async def test_vectors_of_another_length_name_the_setting(told: dict[str, Any]) -> None:
    with pytest.raises(ModelRefused, match="EMBEDDING_MODEL: the-model makes vectors of"):
        await an_embedder(Server(told).answer).embed(texts("a", "b"))


@pytest.mark.parametrize("told", [told for told in USABLE if "too_long" in told], ids=name_of)
async def test_a_text_that_is_too_long_is_asked_with_its_beginning(told: dict[str, Any]) -> None:
    server = Server(told, longest=300)
    embedder = an_embedder(server.answer)
    vectors = await embedder.embed(texts("short", "long " * 100))
    assert [vector.index(1.0) for vector in vectors] == [5, 200]
    calls = len(server.calls)
    with pytest.raises(TextRefused):
        await embedder.embed(texts("short", "long " * 100, "more"))
    assert len(server.calls) == calls + 1, "of more than one ticket, none is cut for another"
    server.longest = 100
    with pytest.raises(TextRefused):
        await embedder.embed(texts("short", "long " * 100))
    assert await embedder.embed(texts("short")), "it is not taken for an endpoint that fails"


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (401, {"error": {"message": "Incorrect API key: secret"}}, ModelRefused, r"\(401\); check EMBEDDING_API_KEY"),
        (404, {"error": {"message": "no model secret"}}, ModelRefused, r"\(404\); check EMBEDDING_MODEL and"),
        (429, {"error": {"message": "secret"}}, ModelUnavailable, r"\(429\)"),
        (500, {"error": {"message": "unsupported value: NaN secret"}}, ModelUnavailable, r"\(500\)"),
        (503, "secret", ModelUnavailable, r"\(503\)"),
        (200, {"error": {"message": "secret", "code": 400}}, ModelUnavailable, "not vectors"),
        (200, {"data": []}, ModelUnavailable, "not vectors"),
        (200, {"data": None}, ModelUnavailable, "not vectors"),
        (200, {"data": [{"embedding": None}]}, ModelUnavailable, "not vectors"),
        (200, {"data": [{"embedding": []}]}, ModelUnavailable, "not vectors"),
        (200, {"data": [{"embedding": [0] * 384}]}, ModelUnavailable, "not vectors"),
        (200, {"data": [{"embedding": ["secret"] * 384}]}, ModelUnavailable, "not vectors"),
        (200, {"data": [{"embedding": "secret, no base64"}]}, ModelUnavailable, "not vectors"),
        (200, {"data": [{"index": 7, "embedding": [1] * 384}]}, ModelUnavailable, "not vectors"),
        (200, [], ModelUnavailable, "not vectors"),
        (200, "secret", ModelUnavailable, "not vectors"),
    ],
)
async def test_what_is_no_vector_is_an_error_that_quotes_nothing(
    status: int, body: Any, error: type[AppError], says: str
) -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, **({"text": body} if isinstance(body, str) else {"json": body}))

    with pytest.raises(error, match=says) as raised:
        await an_embedder(answer).embed(texts("a"))
    assert "secret" not in raised.value.detail


async def test_numbers_that_are_none_are_refused() -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        numbers = ", ".join(["NaN", *["1"] * 383])
        headers = {"content-type": "application/json"}
        return httpx2.Response(200, text=f'{{"data": [{{"index": 0, "embedding": [{numbers}]}}]}}', headers=headers)

    with pytest.raises(ModelUnavailable):
        await an_embedder(answer).embed(texts("a"))


async def test_an_endpoint_that_fails_again_and_again_is_left_alone() -> None:
    calls = 0

    def answer(_: httpx2.Request) -> httpx2.Response:
        nonlocal calls
        calls += 1
        return httpx2.Response(503)

    embedder = an_embedder(answer)
    for _ in range(20):
        with pytest.raises(ModelUnavailable):
            await embedder.embed(texts("a"))
    assert calls == 5
