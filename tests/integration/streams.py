"""What servers that stand between two others do: pass on each byte."""

from __future__ import annotations

import asyncio


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until *reader* ends; then *writer* is closed."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
