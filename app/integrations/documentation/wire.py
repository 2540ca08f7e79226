"""The HTTP of one session with a server of documentation: guarded, limited, and watched for what went wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import httpx2

from app.errors import AddressForbidden
from app.integrations.bounded import NotUnpacked, TooLarge, limited
from app.integrations.guarded import GuardedTransport, reason_of
from app.integrations.http import Sessions, parse_retry_after

_MOST_ANSWERS: Final = 30
"""A usual question has seven."""
_A_MINUTE: Final = timedelta(minutes=1)
_NO_SUCH_DOOR: Final = ": documentation.url must be its address for streamable HTTP"
_HINTS: Final = {
    404: _NO_SUCH_DOOR,
    405: _NO_SUCH_DOOR,
    # Servers of the official SDK know localhost alone until they are told of a name.
    421: ": among the hosts that it allows must be that of documentation.url",
}


class Wire(httpx2.AsyncBaseTransport):
    """A transport over *sessions*, each of whose answers is read up to *max_bytes*."""

    def __init__(self, sessions: Sessions, *, max_bytes: int) -> None:
        self._guarded = GuardedTransport(sessions)
        self._max_bytes = max_bytes
        self._answers = 0
        self.fault = ""
        """What is wrong with the answer to the latest message, as a sentence; empty: nothing that HTTP shows."""
        self.rest = timedelta()
        """How long the server asks to be left alone."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET" and "last-event-id" not in request.headers:
            # The SDK offers the server a stream for its own messages. There is nothing that it could tell us.
            return httpx2.Response(HTTPStatus.METHOD_NOT_ALLOWED)
        is_message = request.method == "POST"
        if is_message:
            self.fault = ""
        self._answers += 1
        if self._answers > _MOST_ANSWERS:
            self.fault = f"the server wanted more than {_MOST_ANSWERS} calls"
            raise httpx2.ReadError(self.fault)
        try:
            response = await self._guarded.handle_async_request(request)
        except AddressForbidden as error:
            self.fault = error.detail
            raise httpx2.ConnectError("forbidden") from None
        except httpx2.TransportError as error:
            self.fault = reason_of(error) or "the connection broke off"
            raise
        if is_message:
            self._judge(response)
        response.stream = _Limited(response, self._max_bytes, self)
        response.headers.pop("content-encoding", None)  # it comes unpacked
        return response

    def _judge(self, response: httpx2.Response) -> None:
        status = response.status_code
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            self.fault = f"the server refused the credential (HTTP {status}): check the secret documentation_token"
        elif status == HTTPStatus.TOO_MANY_REQUESTS:
            self.fault = "the server has had too many calls (HTTP 429)"
            asked = parse_retry_after(response.headers, now=datetime.now(UTC))
            self.rest = _A_MINUTE if asked is None else asked
        elif HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            self.fault = f"the server redirects (HTTP {status}): name the address that it leads to"
        elif status >= HTTPStatus.BAD_REQUEST:
            self.fault = f"the server answered HTTP {status}{_HINTS.get(status, '')}"
        elif response.headers.get("content-type", "").startswith("text/html"):
            self.fault = f"the server answered a page{_NO_SUCH_DOOR}, and no sign-in page may stand before it"


class _Limited(httpx2.AsyncByteStream):
    def __init__(self, response: httpx2.Response, max_bytes: int, wire: Wire) -> None:
        self._stream: Any = response.stream
        self._headers = dict(response.headers)
        self._max_bytes = max_bytes
        self._wire = wire

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in limited(aiter(self._stream), self._headers, max_bytes=self._max_bytes):
                yield chunk
        except (TooLarge, NotUnpacked) as error:
            self._wire.fault = str(error) or f"the answer is larger than {self._max_bytes // 1024} KiB"
            raise httpx2.ReadError("not read") from None

    async def aclose(self) -> None:
        await self._stream.aclose()
