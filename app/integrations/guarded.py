"""The transport of httpx2, the HTTP client of the packages for MCP and for OpenID Connect: the sessions of
`app.integrations.http`, whose invariants hold.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import httpx2
from yarl import URL

from app.integrations.http import NoAnswer, NotSent, Sessions, no_answer


class GuardedTransport(httpx2.AsyncBaseTransport):
    """A transport of httpx2 over *sessions*."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.scheme not in {"http", "https"}:
            raise httpx2.UnsupportedProtocol("neither http nor https")
        with _translated():
            response = await self._sessions.request(
                request.method, URL(str(request.url), encoded=True), headers=request.headers, data=await request.aread()
            )
        return httpx2.Response(response.status, headers=response.raw_headers, stream=_Stream(response))


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated():
            async for chunk in self._response.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        self._response.release()


@contextmanager
def _translated() -> Iterator[None]:
    """Raise errors of httpx2 in place of aiohttp's."""
    try:
        yield
    except TimeoutError as error:
        raise httpx2.TimeoutException("time is up") from error
    except (aiohttp.ClientError, ValueError) as error:
        told = no_answer(error)
        kind = httpx2.ConnectError if isinstance(told, NotSent) else httpx2.NetworkError
        raise kind(str(told)) from told


def reason_of(error: BaseException | None) -> str | None:
    """The words of the `NoAnswer` that led to *error*; None: something else did."""
    while error is not None and not isinstance(error, NoAnswer):
        error = error.__cause__
    return None if error is None else str(error)
