"""A model's endpoint whose wire is a function: from the request that would be sent to the answer that comes."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Self, cast

import httpx2  # for its forms of a request and an answer

from app.integrations.endpoint import Endpoint
from app.integrations.http import Outbound, Sessions
from app.integrations.openai import MAX_ANSWER_BYTES

Answer = Callable[[httpx2.Request], httpx2.Response | Awaitable[httpx2.Response]]


class _Sessions:
    """As much of `Sessions` as `Outbound` uses."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def request(self, method: str, url: Any, *, data: bytes, headers: Mapping[str, str]) -> _Response:
        answer = self._answer(httpx2.Request(method, str(url), content=data, headers=dict(headers)))
        return _Response(await answer if inspect.isawaitable(answer) else answer)


class _Response:
    def __init__(self, answer: httpx2.Response) -> None:
        self.status, self.headers, self._stream = answer.status_code, answer.headers, answer.stream

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    @property
    def content(self) -> _Response:
        return self

    async def iter_any(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:  # type: ignore[union-attr]  # of async and of plain bytes alike
            yield chunk


def an_endpoint(
    answer: Answer,
    *,
    retries: int = 0,
    limit_s: float = 5,
    longest_wait: timedelta = timedelta(seconds=20),
    url: str = "http://model.example/v1",
) -> Endpoint:
    limit, sessions = timedelta(seconds=limit_s), cast("Sessions", _Sessions(answer))
    outbound = Outbound(sessions, timeout=limit, max_bytes=MAX_ANSWER_BYTES)
    return Endpoint(outbound, base_url=url, api_key="key", longest_wait=longest_wait, retries=retries)
