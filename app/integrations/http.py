"""HTTP to the URLs that a tenant's file names: ServiceDesk Plus, its accounts server, Prometheus.

Invariants:
    - Each TCP connection goes to an IP address that `check_address` has allowed. The name is resolved once, and the
      connection is made to the checked address, so a second look-up can't return another one (DNS rebinding). TLS and
      the Host header use the name.
    - A call ends within its time limit and reads at most its size limit, whatever the other side does.
    - Plain http is used for private addresses only.
    - No redirect is followed, no cookie is kept, no proxy or credential is taken from the environment.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpcore
import httpx

from app.errors import AddressForbidden
from app.integrations.addresses import check_address

MAX_BYTES: Final = 8 * 1024 * 1024
DEFAULT_TIMEOUT: Final = timedelta(seconds=15)

_MAX_CONNECT_S: Final = 5.0
_MAX_ADDRESSES: Final = 8
_MAX_PORT: Final = 65535

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""A host and a port → the IP addresses to try, in order; raises OSError when there is none."""


class NoAnswer(Exception):
    """No complete answer came within the limits. Its text is part of a sentence: "the connection was refused"."""


class NotSent(NoAnswer):
    """No connection was made, so nothing was carried out."""


class BrokenOff(NoAnswer):
    """The connection ended before the answer did."""


class AnswerTooLarge(NoAnswer):
    """The answer is larger than the limit, so a retry would not help."""


@dataclass(frozen=True)
class Reply:
    """One complete answer."""

    status: int
    headers: httpx.Headers
    body: bytes


class Outbound:
    """Sends requests. Made by `open_outbound`."""

    def __init__(self, client: httpx.AsyncClient, *, timeout: timedelta, max_bytes: int) -> None:
        self._client = client
        self._timeout = timeout
        self._max_bytes = max_bytes

    async def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer to one request, also if its status is a redirect or an error.

        Raises:
            AddressForbidden: The URL leads to an address that the tenant's file does not allow.
            NoAnswer: No complete answer came. Whether the request was carried out is not known.
        """
        limit_s = self._timeout.total_seconds()
        try:
            request = self._client.build_request(method, url, params=params, data=form, headers=headers)
            async with asyncio.timeout(limit_s):
                response = await self._client.send(request, stream=True)
                try:
                    body = await self._read(response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TimeoutException):
            raise NoAnswer(f"no answer came within {limit_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Without the library's text, which may quote what the other side sent.
            # No connection, or none to that name: the request did not leave.
            failure = NotSent if isinstance(error, httpx.ConnectError) else BrokenOff
            raise failure(_explain(error)) from None
        return Reply(response.status_code, response.headers, body)

    async def _read(self, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
            # We asked for none, since a small compressed answer may become a huge one.
            raise NoAnswer("the answer came compressed, which was not asked for")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._max_bytes:
                raise AnswerTooLarge(f"the answer is larger than {self._max_bytes // 1024} KiB")
        return bytes(body)


@asynccontextmanager
async def open_outbound(
    *,
    allow_private: bool,
    timeout: timedelta = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - of each call, not of this function
    max_bytes: int = MAX_BYTES,
    resolve: Resolve | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Outbound]:
    """A client for the URLs of one tenant. Its connections are closed when the block ends.

    Args:
        allow_private: The tenant's `allow_private_address`.
        timeout: For a whole call, from the look-up of the name to the last byte.
        max_bytes: The largest body that is read.
        resolve: Looks up names in place of the system.
        tls: Trusted certificates in place of the system's (which SSL_CERT_FILE and SSL_CERT_DIR change).
    """
    async with httpx.AsyncClient(
        transport=_PoolTransport(open_pools(allow_private=allow_private, resolve=resolve, tls=tls)),
        headers={"User-Agent": "ai-agents", "Accept-Encoding": "identity"},
        timeout=httpx.Timeout(timeout.total_seconds(), connect=min(timeout.total_seconds(), _MAX_CONNECT_S)),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
    ) as client:
        yield Outbound(client, timeout=timeout, max_bytes=max_bytes)


def open_pools(
    *, allow_private: bool, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
) -> dict[str, httpcore.AsyncConnectionPool]:
    """A pool of connections for each scheme; arguments as for `open_outbound`. The caller closes them."""
    return {
        scheme: httpcore.AsyncConnectionPool(
            ssl_context=tls or _default_tls(),
            max_connections=20,
            max_keepalive_connections=5,
            keepalive_expiry=5.0,
            network_backend=_CheckedBackend(
                resolve or _resolve, allow_private=allow_private, allow_public=scheme == "https"
            ),
        )
        for scheme in ("http", "https")
    }


@cache
def _default_tls() -> ssl.SSLContext:
    # Cached for the process: reading the trusted certificates takes tens of milliseconds.
    return ssl.create_default_context()


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name, checks the addresses, and connects to a checked one: a second look-up could differ."""

    def __init__(self, resolve: Resolve, *, allow_private: bool, allow_public: bool) -> None:
        self._tcp = httpcore.AnyIOBackend()
        self._resolve = resolve
        self._allow_private = allow_private
        self._allow_public = allow_public

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        limit_s = _MAX_CONNECT_S if timeout is None else timeout
        if not 0 < port <= _MAX_PORT:
            raise httpcore.ConnectError("no such port")
        try:
            async with asyncio.timeout(limit_s):
                addresses = await self._allowed(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout("name not resolved in time") from None
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("name not resolved") from error
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return await self._tcp.connect_tcp(
                    address,
                    port,
                    timeout=limit_s / len(addresses),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _allowed(self, host: str, port: int) -> list[str]:
        """The addresses of *host* that are allowed; raises `AddressForbidden` when none is."""
        refusal: AddressForbidden | None = None
        allowed: list[str] = []
        for address in dict.fromkeys((await self._resolve(host, port))[:_MAX_ADDRESSES]):
            try:
                check_address(address, allow_private=self._allow_private, allow_public=self._allow_public)
            except AddressForbidden as error:
                refusal = error
            else:
                allowed.append(address)
        if refusal is not None and not allowed:
            raise refusal
        return allowed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _PoolTransport(httpx.AsyncBaseTransport):
    """An httpx transport over our own pools, one per scheme, since httpx's own accepts no network backend."""

    def __init__(self, pools: Mapping[str, httpcore.AsyncConnectionPool]) -> None:
        self._pools = pools

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raw = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        pool = self._pools.get(request.url.scheme)
        if pool is None:
            raise httpx.UnsupportedProtocol("neither http nor https")
        try:
            response = await pool.handle_async_request(raw)
        except _CORE_ERRORS as error:
            raise _translate(error) from error
        return httpx.Response(response.status, headers=response.headers, stream=_Stream(response))

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.aiter_stream():
                yield chunk
        except _CORE_ERRORS as error:
            raise _translate(error) from error

    async def aclose(self) -> None:
        await self._response.aclose()


_CORE_ERRORS: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)


def _translate(error: Exception) -> httpx.TransportError:
    if isinstance(error, httpcore.TimeoutException):
        return httpx.TimeoutException("time is up")
    if isinstance(error, httpcore.ConnectError):
        return httpx.ConnectError("not connected")
    return httpx.TransportError("broken off")


def _explain(error: BaseException) -> str:
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return "its URL can't be used"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its TLS certificate can't be verified (SSL_CERT_FILE may name another certificate authority)"
        if isinstance(cause, socket.gaierror):
            return "its host name is not known"
        cause = cause.__cause__ or cause.__context__
    return "no connection was made" if isinstance(error, httpx.ConnectError) else "the connection broke off"
