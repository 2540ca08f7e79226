"""What the parts of the intake cost by themselves: below these figures no webhook can be.

    python -m bench.throughput.floor http PORT                   bare Granian: reads the body, checks the HMAC, answers
    python -m bench.throughput.floor stores DATABASE_URL REDIS_URL    the intake function alone and for 32; XADD for 100

Both are started by `python -m bench.throughput compare`. The second prints a line for each part.
"""

from __future__ import annotations

import hmac
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

import asyncpg
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from redis.asyncio import Redis

from bench.throughput.corpus import load_texts, split, webhook_body
from bench.throughput.system import SECRET, TENANT_IDS

_ROUNDS: Final = 300
_ACCEPT: Final = "select accept_deliveries($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[])"
_BATCH: Final = 32
_RINGS: Final = 100


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    status = 200
    if scope["method"] == "POST":
        body = (await receive())["body"]
        told = next(value for name, value in scope["headers"] if name == b"x-servicedesk-signature")
        expected = "sha256=" + hmac.digest(SECRET.encode(), body, "sha256").hex()
        status = 202 if hmac.compare_digest(told.decode(), expected) else 401
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"{}", "more_body": False})


async def _serve(port: int) -> None:
    await Server(
        _answer,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(),
        websockets=False,
        backlog=1024,
        log_level=LogLevels.warning,
        log_enabled=False,
    ).serve()


async def _measure_stores(database_url: str, redis_url: str) -> None:
    texts = split(load_texts(None))[1]
    connection = await asyncpg.connect(database_url)

    async def accept(count: int) -> None:
        ids = [uuid4() for _ in range(count)]
        tickets = [each.hex for each in ids]
        bodies = [webhook_body(texts, number) for number in range(count)]
        tenants, events = [TENANT_IDS[0]] * count, ["ticket_created"] * count
        await connection.fetchval(_ACCEPT, tenants, ids, tickets, events, bodies, [None] * count)

    async with Redis.from_url(redis_url) as redis:

        async def ring() -> None:
            async with redis.pipeline(transaction=False) as pipe:
                for _ in range(_RINGS):
                    pipe.xadd("floor", {"data": "x" * 170}, maxlen=100_000, approximate=True)
                await pipe.execute()

        await _tell("the intake function, one webhook", lambda: accept(1), 1)
        await _tell(f"the intake function, {_BATCH} webhooks in a commit", lambda: accept(_BATCH), _BATCH)
        await _tell(f"XADD, {_RINGS} rings in a pipeline", ring, _RINGS)
    await connection.close()


async def _tell(name: str, act: Callable[[], Awaitable[None]], count: int) -> None:
    await act()
    wall, own = time.perf_counter(), time.process_time()
    for _ in range(_ROUNDS):
        await act()
    wall, own = time.perf_counter() - wall, time.process_time() - own
    each = 1e6 / (_ROUNDS * count)
    print(f"{name}: {1 / (wall * each / 1e6):,.0f}/s, {own * each:,.0f} µs of this process's CPU each")


async def main() -> None:
    if sys.argv[1] == "http":
        await _serve(int(sys.argv[2]))
    else:
        await _measure_stores(*sys.argv[2:])


if __name__ == "__main__":
    uvloop.run(main())
