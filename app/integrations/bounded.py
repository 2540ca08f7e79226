"""Limits how much of an answer a client of httpx2 reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import httpx2

UNCOMPRESSED: Final = {"Accept-Encoding": "identity"}
"""Headers of every limited request: a small compressed answer may become a huge one."""


def bound(max_bytes: int) -> Callable[[httpx2.Response], Awaitable[None]]:
    """A response hook. An answer that is larger than *max_bytes*, or compressed, makes the call fail."""

    async def limit(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
            raise httpx2.DecodingError("compressed")
        response.stream = _BoundedStream(response.stream, max_bytes)

    return limit


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: Any, max_bytes: int) -> None:
        self._stream = stream
        self._left = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise httpx2.ReadError("too large")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
