"""The bodies of webhooks on their way in.

Invariant: no body is on its way for longer than `READ_TIMEOUT_S`, and all of them together are at most `MAX_BODIES` and
`MAX_BYTES`. When one more is too many, the one that has been arriving for longest gives way: a sender that gets on is
done in milliseconds, so it is never the oldest while others hold their bodies back.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from litestar import Request
from litestar.exceptions import HTTPException

from app.errors import BodyNotReceived, Overloaded

MAX_BODY_BYTES: Final = 256 * 1024
READ_TIMEOUT_S: Final = 10.0
MAX_BODIES: Final = 500
MAX_BYTES: Final = 16 * 1024 * 1024


class Bodies:
    """Reads them, for as long as the process lives."""

    def __init__(
        self, *, timeout_s: float = READ_TIMEOUT_S, max_bodies: int = MAX_BODIES, max_bytes: int = MAX_BYTES
    ) -> None:
        self._timeout_s = timeout_s
        self._max_bodies = max_bodies
        self._max_bytes = max_bytes
        self._arriving: dict[asyncio.Timeout, bytearray] = {}
        """Oldest first."""
        self._bytes = 0

    async def read(self, request: Request[Any, Any, Any]) -> bytes:
        """The request's body, whole.

        Raises:
            BodyNotReceived: It did not come in time, or its sender went away.
            Overloaded: It gave way to others.
            HTTPException: It is larger than `MAX_BODY_BYTES` (413).
        """
        if (request.content_length or 0) > MAX_BODY_BYTES:
            raise HTTPException(status_code=413)
        body = bytearray()
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                self._arriving[limit] = body
                self._make_room()
                has_more = True
                while has_more:
                    chunk, has_more = await _receive(request, room=MAX_BODY_BYTES - len(body))
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
        # Checked afterwards as well: chunks that have arrived already are read without an await between them, so this
        # body's time limit can't interrupt the reading.
        if limit not in self._arriving:
            raise TimeoutError

    def _make_room(self) -> None:
        while len(self._arriving) > self._max_bodies or self._bytes > self._max_bytes:
            oldest = next(iter(self._arriving))
            self._forget(oldest)
            if not oldest.expired():  # else it gives way already: its limit has struck, and can't be moved
                oldest.reschedule(asyncio.get_running_loop().time())

    def _forget(self, limit: asyncio.Timeout) -> None:
        body = self._arriving.pop(limit, None)
        if body is not None:
            self._bytes -= len(body)
            body.clear()  # an error's traceback would keep it until the next collection


async def _receive(request: Request[Any, Any, Any], *, room: int) -> tuple[bytes, bool]:
    """What came of the body, and whether more follows."""
    message: Any = await request.receive()
    if message["type"] != "http.request":
        raise _not_received()
    chunk = message.get("body", b"")
    if len(chunk) > room:
        raise HTTPException(status_code=413)
    return chunk, message.get("more_body", False)


def _not_received() -> BodyNotReceived:
    return BodyNotReceived("the body did not arrive in time")
