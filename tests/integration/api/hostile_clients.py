"""Clients that hold connections to an HTTP server and never get on, and one that does: for tests and a benchmark.

`python -m tests.integration.api.hostile_clients PORT NAME CONNECTIONS` attacks until it is ended: a process of its own,
so that what the well-behaved client measures is the server's time.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx

from app.core.signature import sign_body
from app.core.tenant import Tenant
from demo.launcher import Process
from tests.builders import a_body

_POST = b"POST /webhook/servicedesk HTTP/1.1\r\nhost: api\r\ncontent-type: application/json\r\ncontent-length: 262144\r\n\r\n"

RECONNECT_S = 1.0


@dataclass(frozen=True)
class Attack:
    """What each of many connections does, over and over: send `first`, then the parts with a pause before each."""

    name: str
    first: bytes
    rest: bytes = b""
    """Repeated until the server closes."""
    pause_s: float = 1.0
    reads: bool = True


ATTACKS = (
    Attack("nothing is sent", b""),
    Attack("headers, a byte a second", b"POST /webhook/servicedesk HTTP/1.1\r\nhost: api\r\nx: ", b"a"),
    Attack("header lines without an end", b"POST /webhook/servicedesk HTTP/1.1\r\nhost: api\r\n", b"a: b\r\n" * 500, 0.05),
    Attack("a header of 400 kB, unfinished", b"POST /webhook/servicedesk HTTP/1.1\r\nhost: api\r\nx: " + b"a" * 400_000),
    Attack("idle after an answer", b"GET /health/live HTTP/1.1\r\nhost: api\r\n\r\n"),
    Attack("body, a byte a second", _POST, b"a"),
    Attack("body of 255 KiB, unfinished", _POST + b"a" * 261_120),
    Attack("body in chunks of one byte", _POST.replace(b"content-length: 262144", b"transfer-encoding: chunked"), b"1\r\na\r\n"),
    Attack("answers that are not read", b"GET /schema HTTP/1.1\r\nhost: api\r\n\r\n" * 200, reads=False),
)  # fmt: skip


@dataclass
class Seen:
    """What happened to well-behaved webhooks during an attack."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    peak_mb: float = 0.0


@asynccontextmanager
async def attacking(api: Process, attack: Attack, connections: int) -> AsyncIterator[Seen]:
    """*connections* of *attack* at once, each begun again a second after the server ends it, until the block does."""
    seen = Seen()
    attacker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __spec__.name,
        str(api.port),
        attack.name,
        str(connections),
        stdout=asyncio.subprocess.PIPE,
    )
    assert attacker.stdout is not None
    await attacker.stdout.readline()  # every connection was made

    async def weigh() -> None:
        while True:
            seen.peak_mb = max(seen.peak_mb, api.resident_mb)
            await asyncio.sleep(0.05)

    weighing = asyncio.create_task(weigh())
    try:
        yield seen
    finally:
        weighing.cancel()
        attacker.kill()
        await attacker.wait()


async def _attack(port: int, attack: Attack, connections: int) -> None:
    made = 0

    async def hold() -> None:
        nonlocal made
        is_first = True
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(RECONNECT_S)
                continue
            made, is_first = made + is_first, False
            sending = asyncio.create_task(_send(writer, attack))
            with suppress(OSError):
                if attack.reads:
                    while await reader.read(65536):
                        pass
                else:
                    await sending
                    await asyncio.sleep(3600)
            sending.cancel()
            writer.transport.abort()
            await asyncio.sleep(RECONNECT_S)

    tasks = [asyncio.create_task(hold()) for _ in range(connections)]
    until = time.monotonic() + 15
    while made < connections and time.monotonic() < until:
        await asyncio.sleep(0.05)
    sys.stdout.write(f"{made}\n")
    sys.stdout.flush()
    await asyncio.wait(tasks)


async def _send(writer: asyncio.StreamWriter, attack: Attack) -> None:
    with suppress(OSError):
        writer.write(attack.first)
        await writer.drain()
        while attack.rest:
            await asyncio.sleep(attack.pause_s)
            writer.write(attack.rest)
            await writer.drain()


async def behave(api: Process, tenant: Tenant, seen: Seen, *, seconds: float, prefix: str) -> None:
    """Signed webhooks, twenty a second, each on a connection of its own, as senders that are no proxy make them."""
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        number += 1
        body = a_body(ticket_id=f"{prefix}{number}")
        headers = {
            "content-type": "application/json",
            "x-tenant-id": str(tenant.id),
            "x-servicedesk-signature": sign_body(b"secret", body),
        }
        began = time.monotonic()
        try:
            async with httpx.AsyncClient(base_url=api.url, timeout=10) as client:
                response = await client.post("/webhook/servicedesk", content=body, headers=headers)
            if response.status_code == httpx.codes.ACCEPTED:
                seen.seconds.append(time.monotonic() - began)
            else:
                seen.failures.append(str(response.status_code))
        except httpx.HTTPError as error:
            seen.failures.append(type(error).__name__)
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    (chosen,) = (attack for attack in ATTACKS if attack.name == sys.argv[2])
    asyncio.run(_attack(int(sys.argv[1]), chosen, int(sys.argv[3])))
