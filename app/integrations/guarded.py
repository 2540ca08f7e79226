"""The transport of httpx2, the HTTP client of the package for MCP, for a URL that a tenant's file names.

Invariant: as `app.integrations.http`: each connection goes to an IP address that `check_address` has allowed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager

import aiohttp
import httpx2
from yarl import URL


class GuardedTransport(httpx2.AsyncBaseTransport):
    """A transport of httpx2 over the sessions of `open_sessions`, which are aiohttp's."""

    def __init__(self, sessions: Mapping[str, aiohttp.ClientSession]) -> None:
        self._sessions = sessions

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        session = self._sessions.get(request.url.scheme)
        if session is None:
            raise httpx2.UnsupportedProtocol("neither http nor https")
        with _translated():
            response = await session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers,
                data=await request.aread(),
                allow_redirects=False,
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
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError("not connected") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise httpx2.NetworkError("broken off") from error
