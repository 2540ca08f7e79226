"""Reads the bodies of webhooks, with limits that slow senders can't exhaust.

Invariant: reading one body takes at most `READ_TIMEOUT_S`, and all bodies being read are together at most `MAX_BODIES`
and `MAX_BYTES`. When a new one would exceed these, the one that has been read for longest is ended with 503. A normal
sender is done in milliseconds, so the oldest body is that of a sender which holds it back.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from litestar.exceptions import HTTPException
from litestar.types import Receive

from app.errors import BodyNotReceived, Overloaded

MAX_BODY_BYTES: Final = 256 * 1024
READ_TIMEOUT_S: Final = 10.0
MAX_BODIES: Final = 500
MAX_BYTES: Final = 16 * 1024 * 1024


class Bodies:
    """Reads the bodies of all requests of this process."""

    def __init__(
        self, *, timeout_s: float = READ_TIMEOUT_S, max_bodies: int = MAX_BODIES, max_bytes: int = MAX_BYTES
    ) -> None:
        self._timeout_s = timeout_s
        self._max_bodies = max_bodies
        self._max_bytes = max_bytes
        self._arriving: dict[asyncio.Timeout, bytearray] = {}
        """Oldest first."""
        self._bytes = 0

    async def read(self, receive: Receive, *, length: int | None) -> bytes:
        """A request's body, whole. *length*: as its header `Content-Length` says.

        Raises:
            BodyNotReceived: It did not arrive in time, or its sender closed the connection.
            Overloaded: It was ended to make room for others.
            HTTPException: It is larger than `MAX_BODY_BYTES` (413).
        """
        if length is not None and length > MAX_BODY_BYTES:
            raise HTTPException(status_code=413)
        body = bytearray()
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                self._arriving[limit] = body
                self._make_room()
                has_more = True
                # The server tells that nothing follows in one more message, through two threads: the length does too.
                while has_more and len(body) != length:
                    chunk, has_more = await _receive(receive, room=MAX_BODY_BYTES - len(body))
                    self._add(chunk, limit)
                return bytes(body)
        except TimeoutError:
            if limit in self._arriving:
                raise _not_received() from None
            raise Overloaded("too many bodies are on their way") from None
        finally:
            self._forget(limit)

    def _add(self, chunk: bytes, limit: asyncio.Timeout) -> None:
        if limit in self._arriving:
            self._arriving[limit] += chunk
            self._bytes += len(chunk)
            self._make_room()
        # This body itself may have been ended to make room. Its timeout can't interrupt the reading of chunks that have
        # arrived already, since nothing is awaited between them; so it is checked here.
        if limit not in self._arriving:
            raise TimeoutError

    def _make_room(self) -> None:
        while len(self._arriving) > self._max_bodies or self._bytes > self._max_bytes:
            oldest = next(iter(self._arriving))
            self._forget(oldest)
            if not oldest.expired():  # an expired timeout can't be rescheduled; it ends by itself
                oldest.reschedule(asyncio.get_running_loop().time())

    def _forget(self, limit: asyncio.Timeout) -> None:
        body = self._arriving.pop(limit, None)
        if body is not None:
            self._bytes -= len(body)
            body.clear()  # a traceback refers to it, which would keep the bytes until the next garbage collection


async def _receive(receive: Receive, *, room: int) -> tuple[bytes, bool]:
    """The next chunk of the body, and whether more follow."""
    message: Any = await receive()
    if message["type"] != "http.request":
        raise _not_received()
    chunk = message.get("body", b"")
    if len(chunk) > room:
        raise HTTPException(status_code=413)
    return chunk, message.get("more_body", False)


def _not_received() -> BodyNotReceived:
    return BodyNotReceived("the body did not arrive in time")
