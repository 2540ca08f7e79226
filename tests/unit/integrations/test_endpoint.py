"""What a call of a model's endpoint does about faults that may pass: the wire is a function."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2  # for its forms of a request and an answer
import pytest

from app.integrations.endpoint import Refused
from app.integrations.http import AnswerTooLarge, NoAnswer
from tests.model_wire import an_endpoint


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between calls, in seconds, none of which is waited for."""
    pauses: list[float] = []

    async def pass_over(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", pass_over)
    return pauses


class Server:
    """Answers one status after another, then with success."""

    def __init__(self, *faults: int, headers: dict[str, str] | None = None) -> None:
        self._faults = list(faults)
        self._headers = headers or {}
        self.requests: list[httpx2.Request] = []

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if self._faults:
            return httpx2.Response(self._faults.pop(0), headers=self._headers, json={"error": {"message": "busy"}})
        return httpx2.Response(200, json={"a": 1})

    async def ask(self, *, retries: int = 2) -> Any:
        return json.loads(await an_endpoint(self.answer, retries=retries).post("/chat/completions", {"say": "é"}))


async def test_a_call_has_the_key_and_its_body_as_json() -> None:
    server = Server()
    assert await server.ask() == {"a": 1}
    [request] = server.requests
    assert str(request.url) == "http://model.example/v1/chat/completions"
    assert (request.headers["authorization"], request.headers["content-type"]) == ("Bearer key", "application/json")
    assert json.loads(request.content) == {"say": "é"}


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_a_fault_that_may_pass_is_tried_again_twice_each_time_later(status: int, pauses: list[float]) -> None:
    server = Server(status, status)
    assert await server.ask() == {"a": 1}
    assert [request.content for request in server.requests] == [server.requests[0].content] * 3
    assert 0.37 < pauses[0] <= 0.5
    assert 0.75 <= pauses[1] <= 1

    with pytest.raises(Refused) as refused:
        await Server(status, status, status).ask()
    assert (refused.value.status, refused.value.told) == (status, {"message": "busy"})


@pytest.mark.parametrize("status", [301, 400, 401, 404, 413, 422])
async def test_any_other_status_is_not_tried_again(status: int, pauses: list[float]) -> None:
    server = Server(status)
    with pytest.raises(Refused):
        await server.ask()
    assert len(server.requests) == 1
    assert not pauses


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, [7.0]),
        ({"retry-after": "20"}, [20.0]),
        ({"retry-after": "21"}, None),
        ({"retry-after-ms": "1500", "retry-after": "2"}, [1.5]),
        ({"retry-after-ms": "20001"}, None),
        ({"retry-after-ms": "nan", "retry-after": "7"}, [7.0]),
    ],
    ids=str,
)
async def test_the_pause_is_as_long_as_asked_for(
    headers: dict[str, str], expected: list[float] | None, pauses: list[float]
) -> None:
    server = Server(429, headers=headers)
    if expected is None:
        with pytest.raises(Refused):
            await server.ask()
    else:
        await server.ask()
    assert pauses == (expected or [])


@pytest.mark.parametrize(("status", "said", "calls"), [(503, "false", 1), (400, "true", 2)])
async def test_the_endpoints_own_word_about_it_holds(status: int, said: str, calls: int, pauses: list[float]) -> None:
    server = Server(status, headers={"x-should-retry": said})
    if said == "false":
        with pytest.raises(Refused):
            await server.ask()
    else:
        await server.ask()
    assert len(server.requests) == calls == len(pauses) + 1


async def test_a_connection_that_broke_off_is_tried_again_and_too_much_is_not(pauses: list[float]) -> None:
    calls = 0

    def answer(_: httpx2.Request) -> httpx2.Response:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise NoAnswer("the connection broke off")
        return httpx2.Response(200, content=b" " * 5_000_000)

    with pytest.raises(AnswerTooLarge):
        await an_endpoint(answer, retries=2).post("/embeddings", {})
    assert (calls, len(pauses)) == (2, 1)


@pytest.mark.parametrize("body", [b"busy", b'"busy"', b'{"error": "busy"}', b"\xff", b"[" * 100_000])
async def test_an_error_of_any_form_is_told(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        await an_endpoint(lambda _: httpx2.Response(400, content=body)).post("/embeddings", {})
    error = {"error": "busy"} if body.startswith(b"{") else "busy"
    assert refused.value.told == (error if b"busy" in body else body.decode("utf-8", "replace"))


@pytest.mark.parametrize("title", ["Bad Request", None])
async def test_what_stands_beside_an_errors_title_is_told(title: str | None) -> None:
    # Spring's and Fastify's form
    body = {"status": 400, "error": title, "message": "response_format json_schema is not supported"}
    with pytest.raises(Refused) as refused:
        await an_endpoint(lambda _: httpx2.Response(400, json=body)).post("/embeddings", {})
    assert refused.value.told == body
