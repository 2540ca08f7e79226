"""HTTP to the URLs that a tenant's file names (ServiceDesk Plus, its accounts server, Prometheus, a model of its own),
and to the endpoints of models that our own environment names, which are not guarded.

Invariants, of the tenants' URLs:
    - Each TCP connection goes to an IP address that `check_address` has allowed. The name is resolved once, and the
      connection is made to the checked address, so a second look-up can't return another one (DNS rebinding). TLS and
      the Host header use the name.
    - By a proxy (`proxies`) go https calls alone, in a tunnel. It resolves the name, so it has to refuse inner
      addresses. An address in the URL, and those of a name that our own name server knows, are checked here as well.
    - A call ends within its time limit and reads at most its size limit, whatever the other side does.
    - Plain http is used for private addresses only, and directly.
    - No redirect is followed, no cookie is kept, no other credential than a proxy's is taken from the environment.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, partial
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from app.errors import AddressForbidden
from app.integrations.addresses import check_address
from app.integrations.bounded import NotUnpacked, PackedOtherwise, TooLarge, limited
from app.integrations.proxies import Proxies, Proxy, read_proxies

MAX_BYTES: Final = 8 * 1024 * 1024
DEFAULT_TIMEOUT: Final = timedelta(seconds=15)

_MAX_CONNECT_S: Final = 5.0
_MAX_LOOK_UP_S: Final = 2.0
"""Of a name that a proxy resolves: behind one a name server may know no public name, and be slow to say so."""
_JUDGED_S: Final = 300.0
_MAX_ADDRESSES: Final = 8
MAX_CONNECTIONS: Final = 20
# Less than servers' own limits (Tomcat's is 20 s), so that a call rarely meets a connection that is just being closed.
_KEPT_ALIVE_S: Final = 10.0
# aiohttp's own are 8,190 bytes and 128. Pages with a policy for their content have more, and gateways that pass on what
# each server behind them said.
_MAX_FIELD_BYTES: Final = 40 * 1024
_MAX_FIELDS: Final = 200  # with the size above as much as a body's limit
LONGEST_WAIT: Final = timedelta(minutes=10)
"""A longer `Retry-After` is cut to this: a date far ahead comes from a wrong clock."""
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
"""OpenSSL's names for an answer that is not of TLS."""
_SECONDS: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\d*\s*(?:s(?:ec\w*)?)?\s*(?:,|$)", re.ASCII | re.IGNORECASE)
"""Also "30s", "1.5", and "30, 30", as two servers in a row make of one header."""
_HEADERS: Final = {"User-Agent": "ai-agents", "Accept-Encoding": "identity"}

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""A host and a port → the IP addresses to try, in order; raises OSError when there is none."""


class NoAnswer(Exception):
    """No complete answer came within the limits. Its text is part of a sentence: "the connection was refused"."""


class NotSent(NoAnswer):
    """No connection was made, so nothing was carried out."""


class BrokenOff(NoAnswer):
    """The connection ended before the answer did."""


class Unreadable(NoAnswer):
    """The answer can't be read: a retry would not help, and may be paid once more."""


class AnswerTooLarge(Unreadable):
    """The answer is larger than the limit."""


@dataclass(frozen=True)
class Reply:
    """One complete answer."""

    status: int
    headers: Mapping[str, str]
    """Their names in any case."""
    body: bytes


def parse_retry_after(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """How long `Retry-After` asks to wait, at most `LONGEST_WAIT`; None if there is no valid header."""
    value = headers.get("retry-after", "").strip()
    if seconds := _SECONDS.match(value):
        return timedelta(seconds=min(float(seconds[1]), LONGEST_WAIT.total_seconds()))
    try:
        time = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # a zone of many digits
        return None
    wait = (time if time.tzinfo else time.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta()), LONGEST_WAIT)


class ProxyFailed(aiohttp.ClientError):
    """The proxy made no tunnel. Its text is as that of `NoAnswer`."""


class Sessions:
    """Sends requests directly or by the proxy. Made by `open_sessions`."""

    def __init__(
        self,
        direct: Mapping[str, aiohttp.ClientSession],
        proxied: aiohttp.ClientSession,
        proxies: Proxies,
        judge: Callable[[str, int], Awaitable[None]] | None,
    ) -> None:
        self._direct = direct
        self._proxied = proxied
        self._proxies = proxies
        self._judge = judge

    async def request(self, method: str, url: URL, **options: Any) -> aiohttp.ClientResponse:
        """The head of the answer; no redirect is followed.

        Raises:
            AddressForbidden: The URL leads to an address that is not allowed.
            KeyError: Its scheme is neither http nor https.
            aiohttp.ClientError: There was no answer.
        """
        session, host, port = self._direct[url.scheme], url.host or "", url.port or 0
        proxy = self._proxies.find(url.scheme, host, port)
        if proxy is None or (self._judge is not None and url.scheme != "https"):
            return await session.request(method, url, allow_redirects=False, **options)
        if self._judge is not None:
            await self._judge(host, port)
        options |= {"proxy": proxy.url, "proxy_headers": proxy.headers}
        try:
            return await self._proxied.request(method, url, allow_redirects=False, **options)
        except (
            aiohttp.ClientHttpProxyError,
            aiohttp.ClientProxyConnectionError,
            aiohttp.ClientConnectorDNSError,  # the only name that is resolved here is the proxy's
        ) as error:
            raise ProxyFailed(_proxy_fault(proxy, error)) from None


def _proxy_fault(proxy: Proxy, error: aiohttp.ClientError) -> str:
    if not isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy of {proxy.variable} can't be reached"
    if error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return f"the proxy of {proxy.variable} wants another user and password (HTTP 407)"
    return f"the proxy of {proxy.variable} did not connect us (HTTP {error.status})"


class Outbound:
    """Sends requests. Made by `open_outbound`."""

    def __init__(self, sessions: Sessions, *, timeout: timedelta, max_bytes: int) -> None:
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
            body = json if form is None else _encode(form)
            if body is not None:
                kind = "application/json" if form is None else "application/x-www-form-urlencoded"
                headers = {**(headers or {}), "Content-Type": kind}
            async with asyncio.timeout(limit_s):
                async with await self._sessions.request(method, target, data=body, headers=headers) as response:
                    return Reply(response.status, response.headers, await self._read(response))
        except TimeoutError:
            raise NoAnswer(f"no answer came within {limit_s:g} s") from None
        except (aiohttp.ClientError, ValueError, KeyError, UnicodeError) as error:
            # Without the library's text, which may quote what the other side sent.
            raise no_answer(error) from None

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        try:
            async for chunk in limited(response.content.iter_any(), response.headers, max_bytes=self._max_bytes):
                body += chunk
        except TooLarge:
            raise AnswerTooLarge(f"the answer is larger than {self._max_bytes // 1024} KiB") from None
        except PackedOtherwise as error:
            raise Unreadable(str(error)) from None
        except NotUnpacked as error:
            raise NoAnswer(str(error)) from None
        return bytes(body)


def _encode(form: Mapping[str, str]) -> bytes:
    # By yarl, in C. aiohttp's forms go through urllib, one character at a time: half a millisecond for a note.
    return URL.build(query=form).raw_query_string.encode("ascii")


def no_answer(error: Exception) -> NoAnswer:
    """What *error* of aiohttp means, without its text, which may quote what the other side sent."""
    kind: type[NoAnswer] = NotSent
    match error:
        case ProxyFailed():
            told = str(error)
        case aiohttp.ClientConnectorCertificateError(certificate_error=reason):  # first, as it is a ValueError too
            # OpenSSL's own words, and of ours the host's name: nothing that was sent.
            says = f": {reason.verify_message}" if isinstance(reason, ssl.SSLCertVerificationError) else ""
            told = f"its TLS certificate can't be verified{says} (SSL_CERT_FILE may name another certificate authority)"
        case aiohttp.ClientConnectorDNSError():
            told = "its host name is not known"
        case aiohttp.ClientConnectorSSLError(os_error=reason):
            name = getattr(reason, "reason", None) or "no reason told"  # OpenSSL's own, as for a server that is too old
            told = f"no TLS connection was made ({'that port speaks no https' if name in _NO_TLS else name})"
        case aiohttp.ClientConnectorError():
            told = "no connection was made"
        case ValueError() | KeyError():
            told = "its URL can't be used"
        case aiohttp.ClientResponseError():
            kind, told = Unreadable, "it answered something that is not HTTP, or with too long a head"
        case _:
            kind, told = BrokenOff, "the connection broke off"
    return kind(told)


@asynccontextmanager
async def open_outbound(
    *,
    allow_private: bool,
    timeout: timedelta = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - of each call, not of this function
    max_bytes: int = MAX_BYTES,
    resolve: Resolve | None = None,
    tls: ssl.SSLContext | None = None,
    is_guarded: bool = True,
    connections: int = MAX_CONNECTIONS,
) -> AsyncIterator[Outbound]:
    """A client for the URLs of one tenant. Its connections are closed when the block ends.

    Args:
        allow_private: The tenant's `allow_private_address`.
        timeout: For a whole call, from the look-up of the name to the last byte.
        max_bytes: Of a body.
        resolve: In place of the system.
        tls: In place of the system's (which SSL_CERT_FILE and SSL_CERT_DIR change).
        is_guarded: False for a URL of the installation's own: any address is allowed, and http is proxied too.
        connections: At once to one scheme.
    """
    opening = open_sessions(
        allow_private=allow_private, resolve=resolve, tls=tls, is_guarded=is_guarded, connections=connections
    )
    async with opening as sessions:
        yield Outbound(sessions, timeout=timeout, max_bytes=max_bytes)


@asynccontextmanager
async def open_sessions(
    *,
    allow_private: bool,
    resolve: Resolve | None = None,
    tls: ssl.SSLContext | None = None,
    is_guarded: bool = True,
    connections: int = MAX_CONNECTIONS,
) -> AsyncIterator[Sessions]:
    """Sessions that connect to allowed addresses only.

    The arguments are as for `open_outbound`.
    """
    common: dict[str, Any] = {"ssl": tls or default_tls(), "limit": connections, "keepalive_timeout": _KEPT_ALIVE_S}
    direct, judge = {}, None
    for scheme in ("http", "https"):
        guarded: dict[str, Any] = {}
        if is_guarded:
            check = partial(check_address, allow_private=allow_private, allow_public=scheme == "https")
            resolver = _CheckedResolver(resolve or _resolve, check)
            judge = resolver.judge  # at last https's
            guarded = {
                "resolver": resolver,
                "socket_factory": partial(_open_socket, check),
                "use_dns_cache": False,  # each connection is to an address that was looked up and checked for it
            }
        direct[scheme] = _open_session(aiohttp.TCPConnector(**common, **guarded))
    proxied = _open_session(aiohttp.TCPConnector(**common))
    try:
        yield Sessions(direct, proxied, read_proxies(os.environ), judge)  # noqa: TID251 - as OpenSSL reads SSL_CERT_FILE
    finally:
        for session in (*direct.values(), proxied):
            await session.close()


def _open_session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        max_line_size=_MAX_FIELD_BYTES,
        max_field_size=_MAX_FIELD_BYTES,
        max_headers=_MAX_FIELDS,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_MAX_CONNECT_S),
    )


@cache
def default_tls() -> ssl.SSLContext:
    """One for all clients of the process: reading the system's some hundred certificates takes tens of milliseconds."""
    context = ssl.create_default_context()
    # Python 3.13 goes strictly by RFC 5280 and takes no company's authority that names no key usage. Browsers do.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


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
        self._judged: dict[str, float] = {}
        """By name: when it was judged, in seconds of the loop's clock."""

    async def judge(self, host: str, port: int) -> None:
        """Check *host*, which a proxy resolves, as far as we know its addresses.

        Raises:
            AddressForbidden: One of them is not allowed: which one the proxy takes, nobody here decides.
        """
        now = asyncio.get_running_loop().time()
        if now - self._judged.get(host, -_JUDGED_S) < _JUDGED_S:
            return
        found = []
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_MAX_LOOK_UP_S):
                found = await self._look_up(host, port)
        for address in found:
            self._check(address)
        self._judged[host] = now

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
