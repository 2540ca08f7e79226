"""Answers that once ended an attempt as a bug of ours, or would be read for ever."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import httpx2
import pytest

from app.core.access_token import OAuthClient
from app.core.asset import Addresses
from app.core.completion import Message
from app.core.masking import Mask
from app.core.tenant import MonitoringOptions
from app.errors import AppError, ModelRefused, ModelUnavailable, MonitoringUnavailable
from app.integrations.bounded import limited
from app.integrations.http import Outbound, Reply, parse_retry_after
from app.integrations.monitoring import Prometheus
from app.integrations.monitoring import _parse as parse_series
from app.integrations.openai import OpenAIModel
from app.integrations.refusal import read_refusal
from app.integrations.servicedesk.auth import _TokenAuthenticator
from tests.model_wire import an_endpoint


@pytest.mark.parametrize("body", [b'{"error": []}', b'{"error": {}}', b'{"error": "invalid_code"}'])
def test_an_accounts_servers_error_of_any_shape_is_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(AppError):
        _authenticator()._parse(Reply(200, httpx.Headers(), body))


@pytest.mark.parametrize("seconds", [b"NaN", b"1e999", b"-1e999", b"-5", b"0", b"3600"])
def test_a_token_lives_an_hour_at_most_whatever_is_said(seconds: bytes) -> None:
    body = b'{"access_token": "x", "expires_in": ' + seconds + b"}"
    token = _authenticator()._parse(Reply(200, httpx.Headers(), body))
    assert timedelta(0) <= token.life <= timedelta(hours=1)


@pytest.mark.parametrize(
    "value",
    ["", ", ,", "Mon, 01 Jan 2024 00:00:00 +9999999999999999", "Mon, 01 Jan 99999999999 00:00:00 GMT", "1e400", "-1"],
)
def test_a_time_to_wait_that_cannot_be_is_none(value: str) -> None:
    assert parse_retry_after({"retry-after": value}, now=datetime(2026, 11, 30, tzinfo=UTC)) is None


def _authenticator() -> _TokenAuthenticator:
    client = OAuthClient("id", "secret", "token")
    return _TokenAuthenticator(client, secret="x", accounts_url="https://a.example", outbound=None, tokens=None)  # type: ignore[arg-type]


def test_a_reading_that_no_float_can_hold_is_an_error_of_ours() -> None:
    row = {"metric": {"instance": "srv-01"}, "value": [0, 10**400]}
    with pytest.raises(MonitoringUnavailable):
        parse_series(json.dumps({"data": {"result": [row]}}).encode())


def a_model(response: httpx2.Response) -> tuple[OpenAIModel, list[httpx2.Request]]:
    calls: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        calls.append(request)
        return response

    limit = timedelta(seconds=5)
    return OpenAIModel(an_endpoint(answer), tenant="acme", model="first", fallback=None, limit=limit), calls


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": "abc"},
        {"choices": {"a": 1}},
        {"choices": [None]},
        {"choices": [{"message": "x"}]},
        {"choices": 5},
        [],
        "x",
        None,
    ],
    ids=str,
)
async def test_a_completion_of_any_shape_is_an_error_of_ours(answer: Any) -> None:
    await refused(
        httpx2.Response(200, headers={"content-type": "application/json"}, content=json.dumps(answer).encode())
    )


@pytest.mark.parametrize("count", ["abc", float("inf"), float("nan"), -1, 10**12, 10**400, [], {}, None, 0])
async def test_a_count_of_tokens_that_cannot_be_one_is_estimated(count: Any) -> None:
    usage = {"prompt_tokens": count, "completion_tokens": count}
    answer = {"choices": [{"message": {"content": "x" * 37}}], "usage": usage}
    headers = {"content-type": "application/json"}
    model, _ = a_model(httpx2.Response(200, headers=headers, content=json.dumps(answer).encode()))
    completion = await model.complete([Message(role="user", content=Mask().text("A ticket."))], schema={})
    assert (completion.prompt_tokens, completion.completion_tokens) == (3, 10)
    assert completion.is_estimated


@pytest.mark.parametrize(
    "message",
    [
        *("exceed" * 400, "maximum " * 300, "not a b c " * 250, "not supported temperature " * 100, '"' + " " * 2_000),
        *("context 1234 " * 200, "< " * 1_000, '{"error":' * 2_000, "only " + "x" * 2_000, "temperature " * 200),
        json.dumps({"error": json.dumps({"error": json.dumps({"error": "x" * 100_000})})}),
    ],
    ids=lambda message: str(message)[:12],
)
def test_an_error_that_is_made_to_be_slow_is_read_in_no_time(message: str) -> None:
    started = time.thread_time()
    read_refusal(400, {"error": {"message": message}}, prompt=["a" * 60_000, "word " * 10_000], asked=4_000)
    assert time.thread_time() - started < 3


@pytest.mark.parametrize("body", [b"[" * 100_000, b"{", b"\xff", b""], ids=["deep", "cut off", "not UTF-8", "empty"])
async def test_a_completion_that_is_no_json_is_an_error_of_ours(body: bytes) -> None:
    await refused(httpx2.Response(200, headers={"content-type": "application/json"}, content=body))


async def refused(response: httpx2.Response, *, says: str | None = None) -> list[httpx2.Request]:
    model, calls = a_model(response)
    with pytest.raises((ModelUnavailable, ModelRefused), match=says):
        await model.complete([Message(role="user", content=Mask().text("A ticket."))], schema={})
    return calls


async def test_a_models_answer_is_read_as_far_as_its_limit() -> None:
    read = 0

    async def endless() -> Any:
        nonlocal read
        while True:
            read += 65_536
            yield b" " * 65_536

    await refused(httpx2.Response(200, headers={"content-type": "application/json"}, content=endless()))
    assert read <= 5 * 1024 * 1024


async def test_a_compressed_answer_is_unpacked_up_to_its_limit() -> None:
    bomb = gzip.compress(b" " * 10_000_000 + b"{}")
    headers = {"content-type": "application/json", "content-encoding": "gzip"}

    async def packed() -> Any:
        yield bomb

    await refused(httpx2.Response(200, headers=headers, content=packed()))


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, br"])
async def test_an_answer_that_is_compressed_otherwise_is_refused(encoding: str) -> None:
    async def packed() -> Any:
        yield b"{}"

    await refused(httpx2.Response(200, headers={"content-encoding": encoding}, content=packed()))


@pytest.mark.parametrize(
    "body", [gzip.compress(b'{"choices": []}')[:-4], b"\x1f\x8b" + b"x" * 50], ids=["cut off", "noise"]
)
async def test_a_damaged_archive_is_an_error_of_ours(body: bytes) -> None:
    async def packed() -> Any:
        yield body

    await refused(httpx2.Response(200, headers={"content-encoding": "gzip"}, content=packed()))


async def test_what_follows_an_archive_is_neither_read_nor_kept() -> None:
    """Zlib would keep it, and copy it with each piece that comes."""
    read = 0

    async def packed() -> Any:
        nonlocal read
        yield gzip.compress(b'{"choices": []}')
        while True:
            read += 65_536
            yield b"\0" * 65_536

    await refused(httpx2.Response(200, headers={"content-encoding": "gzip"}, content=packed()))
    assert read <= 65_536


@pytest.mark.parametrize("size", [1, 7, 1_000])
async def test_an_archive_in_several_parts_is_read_whole(size: int) -> None:
    """RFC 1952, 2.2: a file of members side by side is what they hold, one after the other."""
    body = gzip.compress(b"[1") + gzip.compress(b"") + gzip.compress(b", 2]")

    async def packed() -> AsyncIterator[bytes]:
        for at in range(0, len(body), size):
            yield body[at : at + size]

    pieces = [piece async for piece in limited(packed(), {"content-encoding": "gzip"}, max_bytes=100)]
    assert b"".join(pieces) == b"[1, 2]"


async def test_an_endpoint_that_redirects_is_not_followed() -> None:
    calls = await refused(httpx2.Response(302, headers={"location": "http://169.254.169.254/"}), says="final address")
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (302, "HTTP 302, a redirect, and none is followed: monitoring.prometheus_url must be the final address"),
        (401, "HTTP 401: it refuses the login; check monitoring.auth"),
        (404, "without /graph or /api/v1"),
        (503, "HTTP 503."),
    ],
)
async def test_a_prometheus_that_does_not_answer_says_what_to_mend(status: int, says: str) -> None:
    class Answering:
        async def send(self, *_: object, **__: object) -> Reply:
            return Reply(status, {}, b"")

    prometheus = Prometheus(
        MonitoringOptions(prometheus_url="https://prometheus.example"), None, cast("Outbound", Answering())
    )
    with pytest.raises(MonitoringUnavailable) as refused:
        await prometheus.measurements(Addresses(hostnames=("srv-01",)), limit=3)
    assert says in refused.value.detail
