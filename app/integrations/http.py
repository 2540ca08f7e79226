"""HTTP to the URLs that a tenant's file names (ServiceDesk Plus, its accounts server, Prometheus, a model of its own),
and to those that our own environment names, by `open_trusted_outbound`.

Invariants, of the tenants' URLs:
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
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, partial
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from app.errors import AddressForbidden
from app.integrations.addresses import check_address
from app.integrations.bounded import NotUnpacked, TooLarge, limited

MAX_BYTES: Final = 8 * 1024 * 1024
DEFAULT_TIMEOUT: Final = timedelta(seconds=15)

_MAX_CONNECT_S: Final = 5.0
_MAX_ADDRESSES: Final = 8
_MAX_CONNECTIONS: Final = 20
# Less than servers' own limits (Tomcat's is 20 s), so that a call rarely meets a connection that is just being closed.
_KEPT_ALIVE_S: Final = 10.0
LONGEST_WAIT: Final = timedelta(minutes=10)
"""A longer `Retry-After` is cut to this: a date far ahead comes from a wrong clock."""
_HEADERS: Final = {"User-Agent": "ai-agents", "Accept-Encoding": "identity"}

_MAX_TRUSTED_CONNECTIONS: Final = 1_000
"""As many as deliveries in work."""
_TRUSTED_KEPT_ALIVE_S: Final = 5.0

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
    headers: Mapping[str, str]
    """Their names in any case."""
    body: bytes


def parse_retry_after(reply: Reply, *, now: datetime) -> timedelta | None:
    """How long `Retry-After` asks to wait, at most `LONGEST_WAIT`; None if there is no valid header."""
    value = reply.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), LONGEST_WAIT.total_seconds()))
    try:
        time = parsedate_to_datetime(value)
    except ValueError:
        return None
    wait = (time if time.tzinfo else time.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta()), LONGEST_WAIT)


class Outbound:
    """Sends requests. Made by `open_outbound`."""

    def __init__(self, sessions: Mapping[str, aiohttp.ClientSession], *, timeout: timedelta, max_bytes: int) -> None:
        self._sessions = sessions
        self._timeout = timeout
        self._max_bytes = max_bytes

    async def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer to one request, also if its status is a redirect or an error.

        Raises:
            AddressForbidden: The URL leads to an address that the tenant's file does not allow.
            NoAnswer: No complete answer came. Whether the request was carried out is not known.
        """
        limit_s = self._timeout.total_seconds()
        try:
            target = URL(url) if params is None else URL(url).update_query(params)
            session = self._sessions[target.scheme]
            body = json if form is None else _encode(form)
            if body is not None:
                kind = "application/json" if form is None else "application/x-www-form-urlencoded"
                headers = {**(headers or {}), "Content-Type": kind}
            async with (
                asyncio.timeout(limit_s),
                session.request(method, target, data=body, headers=headers, allow_redirects=False) as response,
            ):
                return Reply(response.status, response.headers, await self._read(response))
        except TimeoutError:
            raise NoAnswer(f"no answer came within {limit_s:g} s") from None
        except (aiohttp.ClientError, ValueError, KeyError, UnicodeError) as error:
            # Without the library's text, which may quote what the other side sent.
            raise _no_answer(error) from None

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        try:
            async for chunk in limited(response.content.iter_any(), response.headers, max_bytes=self._max_bytes):
                body += chunk
        except TooLarge:
            raise AnswerTooLarge(f"the answer is larger than {self._max_bytes // 1024} KiB") from None
        except NotUnpacked as error:
            raise NoAnswer(str(error)) from None
        return bytes(body)


def _encode(form: Mapping[str, str]) -> bytes:
    # By yarl, in C. aiohttp's forms go through urllib, one character at a time: half a millisecond for a note.
    return URL.build(query=form).raw_query_string.encode("ascii")


def _no_answer(error: Exception) -> NoAnswer:
    match error:
        case aiohttp.ClientConnectorCertificateError():  # first, as it is a ValueError too
            return NotSent(
                "its TLS certificate can't be verified (SSL_CERT_FILE may name another certificate authority)"
            )
        case aiohttp.ClientConnectorDNSError():
            return NotSent("its host name is not known")
        case aiohttp.ClientConnectorError():
            return NotSent("no connection was made")
        case ValueError() | KeyError():
            return NotSent("its URL can't be used")
        case _:
            return BrokenOff("the connection broke off")


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
    async with open_sessions(allow_private=allow_private, resolve=resolve, tls=tls) as sessions:
        yield Outbound(sessions, timeout=timeout, max_bytes=max_bytes)


@asynccontextmanager
async def open_trusted_outbound(url: str, *, timeout: timedelta, max_bytes: int) -> AsyncIterator[Outbound]:  # noqa: ASYNC109 - of each call
    """A client for *url*, which our own environment names: at any address, by the proxy that the environment names.

    Args:
        url: What it calls, or how that begins.
        timeout: For a whole call.
        max_bytes: The largest body that is read.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=default_tls(), limit=_MAX_TRUSTED_CONNECTIONS, keepalive_timeout=_TRUSTED_KEPT_ALIVE_S
        ),
        proxy=_proxy_of(url),
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
    ) as session:
        yield Outbound({"http": session, "https": session}, timeout=timeout, max_bytes=max_bytes)


def _proxy_of(url: str) -> str | None:
    """The proxy that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name for *url*.

    Looked up once: aiohttp's own `trust_env` reads them, and a file `.netrc`, in a thread at each call.
    """
    target, proxies = URL(url), getproxies()
    if target.host is None or proxy_bypass(target.host, proxies):
        return None
    return proxies.get(target.scheme) or proxies.get("all")


@asynccontextmanager
async def open_sessions(
    *, allow_private: bool, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Mapping[str, aiohttp.ClientSession]]:
    """A session for each scheme, which connects to allowed addresses only; arguments as for `open_outbound`."""
    sessions = {}
    for scheme in ("http", "https"):
        check = partial(check_address, allow_private=allow_private, allow_public=scheme == "https")
        connector = aiohttp.TCPConnector(
            resolver=_CheckedResolver(resolve or _resolve, check),
            socket_factory=partial(_open_socket, check),
            ssl=tls or default_tls(),
            limit=_MAX_CONNECTIONS,
            keepalive_timeout=_KEPT_ALIVE_S,
            use_dns_cache=False,  # each connection is to an address that was looked up and checked for it
        )
        sessions[scheme] = aiohttp.ClientSession(
            connector=connector,
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_MAX_CONNECT_S),
        )
    try:
        yield sessions
    finally:
        for session in sessions.values():
            await session.close()


@cache
def default_tls() -> ssl.SSLContext:
    """One for all clients of the process: reading the system's some hundred certificates takes tens of milliseconds."""
    return ssl.create_default_context()


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


Check = Callable[[str], Any]
"""Raises AddressForbidden for an IP address that may not be connected to."""


class _CheckedResolver(AbstractResolver):
    """Resolves a name to those of its addresses that are allowed."""

    def __init__(self, look_up: Resolve, check: Check) -> None:
        self._look_up = look_up
        self._check = check

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - both are asked for
    ) -> list[ResolveResult]:
        async with asyncio.timeout(_MAX_CONNECT_S):
            found = await self._look_up(host, port)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in self._allowed(found)
        ]

    def _allowed(self, addresses: list[str]) -> list[str]:
        """Those of *addresses* that are allowed; raises `AddressForbidden` when none is."""
        refusal: AddressForbidden | None = None
        allowed: list[str] = []
        for address in dict.fromkeys(addresses[:_MAX_ADDRESSES]):
            try:
                self._check(address)
            except AddressForbidden as error:
                refusal = error
            else:
                allowed.append(address)
        if refusal is not None and not allowed:
            raise refusal
        return allowed

    async def close(self) -> None:
        pass


def _open_socket(check: Check, info: tuple[Any, ...]) -> socket.socket:
    """The socket for a connection, made only for an allowed address: a URL may also name an address itself."""
    family, kind, protocol, _, (address, *_) = info
    check(address)
    return socket.socket(family=family, type=kind, proto=protocol)
