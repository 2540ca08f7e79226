"""Limits how much of an answer is read, and unpacks one that came compressed though that was not asked for."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import httpx2

UNCOMPRESSED: Final = {"Accept-Encoding": "identity"}
"""Headers of every limited request: a small compressed answer may become a huge one."""

_GZIP: Final = frozenset({"gzip", "x-gzip"})
_GZIP_BEGINS: Final = b"\x1f\x8b"
_GZIP_BITS: Final = zlib.MAX_WBITS + 16
_MOST_PARTS: Final = 100
_OTHERS: Final = frozenset({"br", "zstd", "deflate", "compress", "x-compress", "dcb", "dcz"})
"""Other words there (`UTF-8`, `none`) come from somebody who means something else."""


class TooLarge(ValueError):
    """The answer, unpacked, is larger than its limit."""


class NotUnpacked(ValueError):
    """The answer is compressed and damaged. Its text is a sentence."""


class PackedOtherwise(NotUnpacked):
    """The answer is compressed in a way that is not read."""


async def limited(chunks: AsyncIterator[bytes], headers: Mapping[str, str], *, max_bytes: int) -> AsyncIterator[bytes]:
    """*chunks* of a body with *headers*, unpacked; no more than *max_bytes* are ever held.

    Some gateways compress by gzip whatever they are asked for. Some say so of a body that they have unpacked.

    Raises:
        TooLarge: More than *max_bytes* come.
        NotUnpacked: It is compressed otherwise, or damaged.
    """
    encodings = [each.strip().lower() for each in headers.get("content-encoding", "").split(",")]
    if not _OTHERS.isdisjoint(encodings) or sum(each in _GZIP for each in encodings) > 1:
        told = "the answer came compressed, which was not asked for: turn that off in the server or gateway there"
        raise PackedOtherwise(told)
    left, packed, is_first = max_bytes, None, True
    async for chunk in chunks:
        if is_first and chunk and _GZIP_BEGINS.startswith(chunk[:2]):  # nothing else that is read begins so
            packed = _Gzip()
        is_first = is_first and not chunk
        try:
            piece = chunk if packed is None else packed.unpack(chunk, most=left + 1)
        except zlib.error:
            raise NotUnpacked("the answer came compressed and damaged") from None
        left -= len(piece)
        if left < 0:
            raise TooLarge
        yield piece
        if packed is not None and packed.is_behind_its_end:
            return
    if packed is not None and not packed.is_whole:
        raise NotUnpacked("the answer came compressed and damaged")


class _Gzip:
    """Unpacks a file of gzip, which is of one part or of several side by side (RFC 1952, 2.2).

    What follows the last part is told and not kept: zlib would keep it, and copy it with each piece that comes.
    """

    def __init__(self) -> None:
        self._part = zlib.decompressobj(_GZIP_BITS)
        self._parts = 1
        self.is_behind_its_end = False

    @property
    def is_whole(self) -> bool:
        return self._part.eof

    def unpack(self, chunk: bytes, *, most: int) -> bytes:
        """What *chunk* adds, up to *most* bytes; raises zlib.error where it is damaged."""
        pieces = bytearray()
        while chunk and len(pieces) < most:
            if self._part.eof:
                if self._parts == _MOST_PARTS or not _GZIP_BEGINS.startswith(chunk[:2]):
                    self.is_behind_its_end = True
                    break
                self._part, self._parts = zlib.decompressobj(_GZIP_BITS), self._parts + 1
            pieces += self._part.decompress(chunk, most - len(pieces))
            chunk = self._part.unused_data
        return bytes(pieces)


def bound(max_bytes: int) -> Callable[[httpx2.Response], Awaitable[None]]:
    """A response hook. An answer that is larger than *max_bytes*, or can't be unpacked, makes the call fail."""

    async def limit(response: httpx2.Response) -> None:
        response.stream = _BoundedStream(response.stream, dict(response.headers), max_bytes)
        response.headers.pop("content-encoding", None)

    return limit


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: Any, headers: Mapping[str, str], max_bytes: int) -> None:
        self._stream = stream
        self._headers = headers
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in limited(aiter(self._stream), self._headers, max_bytes=self._max_bytes):
                yield chunk
        except (TooLarge, NotUnpacked) as error:
            raise httpx2.ReadError(str(error)) from None

    async def aclose(self) -> None:
        await self._stream.aclose()
