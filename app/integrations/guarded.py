"""The transport of the openai package's HTTP client for a URL that a tenant's file names.

Invariant: as `app.integrations.http`: each connection goes to an IP address that `check_address` has allowed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager

import httpcore
import httpx2


class GuardedTransport(httpx2.AsyncBaseTransport):
    """A transport of httpx2 over the pools of `open_pools`, which are httpcore's."""

    def __init__(self, pools: Mapping[str, httpcore.AsyncConnectionPool]) -> None:
        self._pools = pools

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        pool = self._pools.get(request.url.scheme)
        if pool is None:
            raise httpx2.UnsupportedProtocol("neither http nor https")
        url = request.url
        raw = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _translated():
            response = await pool.handle_async_request(raw)
        return httpx2.Response(response.status, headers=response.headers, stream=_Stream(response))

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated():
            async for chunk in self._response.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


@contextmanager
def _translated() -> Iterator[None]:
    """Raise errors of httpx2 in place of httpcore's."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise httpx2.TimeoutException("time is up") from error
    except httpcore.ConnectError as error:
        raise httpx2.ConnectError("not connected") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise httpx2.NetworkError("broken off") from error
