"""What servers that stand between two others do: pass on each byte."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


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


@dataclass
class Forwarder:
    """From which every byte goes to a port of 127.0.0.1, and back."""

    leads_to: int

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.leads_to)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))
