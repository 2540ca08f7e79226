"""The API process under clients that hold connections, headers and bodies back, and under a PostgreSQL that hangs."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.core.signature import sign_body
from app.core.tenant import Tenant
from app.db.reports.deliveries import list_deliveries
from app.db.session import Database
from demo.embedded import DatabaseUrls, ValkeyServer
from demo.launcher import Process
from tests.builders import a_body, a_tenant, write_tenant
from tests.integration.api.hostile_clients import ATTACKS, attacking, behave
from tests.integration.processes import open_api_process

POD_LIMIT_MB = 256
"""`kustomize/base/api/deployment.yaml`."""


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tenant, Path]:
    folder, tenant = tmp_path_factory.mktemp("hostile"), a_tenant()
    write_tenant(folder, tenant, webhook_secret="secret")
    return tenant, folder


@pytest.fixture
async def api(
    urls: DatabaseUrls, valkey: ValkeyServer, tenant: tuple[Tenant, Path], tmp_path: Path
) -> AsyncIterator[Process]:
    async with open_api_process(urls, valkey, tenant[1], tmp_path / "api.log", Process) as process:
        await process.ready()
        yield process


@pytest.fixture
async def forked_api(
    urls: DatabaseUrls, valkey: ValkeyServer, tenant: tuple[Tenant, Path], tmp_path: Path
) -> AsyncIterator[Process]:
    """For what does not look at memory."""
    async with open_api_process(urls, valkey, tenant[1], tmp_path / "api.log") as process:
        await process.ready()
        yield process


@pytest.mark.parametrize("name", ["nothing is sent", "body, a byte a second"])
async def test_webhooks_are_answered_while_more_connections_are_held_than_the_server_took_before(
    api: Process, tenant: tuple[Tenant, Path], name: str
) -> None:
    (attack,) = (each for each in ATTACKS if each.name == name)
    async with attacking(api, attack, 1200) as seen:
        await behave(api, tenant[0], seen, seconds=2, prefix=name[:4].strip())
    assert seen.failures == []
    assert seen.seconds
    assert seen.peak_mb < POD_LIMIT_MB


HEAD = b"POST /webhook/servicedesk HTTP/1.1\r\nhost: api\r\ncontent-type: application/json\r\n"


async def held(api: Process, first: bytes, drip: bytes = b"") -> tuple[float, bytes]:
    """How long the server kept a connection, and what it answered, if anything."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)

    async def send() -> None:
        writer.write(first)
        while drip:
            await asyncio.sleep(0.5)
            writer.write(drip)

    began, sending, answer = time.monotonic(), asyncio.create_task(send()), b""
    try:
        async with asyncio.timeout(20):
            while part := await reader.read(65536):
                answer += part
    except ConnectionError:
        pass
    finally:
        sending.cancel()
        writer.close()
    return time.monotonic() - began, answer


async def test_each_way_of_not_getting_on_ends_within_its_limit(forked_api: Process) -> None:
    ways: dict[str, tuple[bytes, bytes, float, bytes]] = {
        "nothing is sent": (b"", b"", 8, b""),
        "headers, a byte at a time": (HEAD + b"x: ", b"a", 8, b""),
        "header lines without an end": (HEAD, b"a: b\r\n" * 50, 8, b""),
        "a long header": (HEAD + b"x: " + b"a" * 20_000, b"", 3, b"431"),
        "many headers": (HEAD + b"a: b\r\n" * 200 + b"\r\n", b"", 3, b"431"),
        "idle after an answer": (b"GET /health/live HTTP/1.1\r\nhost: api\r\n\r\n", b"", 3, b"200"),
        "a body, a byte at a time": (HEAD + b"content-length: 9999\r\n\r\n", b"a", 13, b"408"),
        "a body in tiny chunks": (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n", 13, b"408"),
        "a body that says it is too long": (HEAD + b"content-length: 262145\r\n\r\n", b"", 3, b"413"),
        "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"", 8, b""),
        "two lengths": (HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}", b"", 3, b"400"),
    }
    ends = await asyncio.gather(*(held(forked_api, first, drip) for first, drip, _, _ in ways.values()))
    for (name, (_, _, limit_s, status)), (seconds, answer) in zip(ways.items(), ends, strict=True):
        assert seconds < limit_s, (name, seconds)
        assert answer.startswith(b"HTTP/1.1 " + status) or not status, (name, answer[:200])
        assert b" 202 " not in answer, name
        assert b"Traceback" not in answer, name
    async with httpx.AsyncClient(base_url=forked_api.url) as client:
        metrics = (await client.get("/metrics")).text
    assert 'webhook_deliveries_total{outcome="body_not_received",tenant=""} 2.0' in metrics
    assert 'status="500"' not in metrics


async def test_a_connection_that_was_kept_for_webhooks_ends_when_it_is_idle(
    forked_api: Process, tenant: tuple[Tenant, Path]
) -> None:
    """Who may send webhooks may not hold connections either."""
    acme, _ = tenant

    async def signed(ticket_id: str) -> tuple[float, bytes]:
        body = a_body(ticket_id=ticket_id)
        headers = {
            "x-tenant-id": str(acme.id),
            "x-servicedesk-signature": sign_body(b"secret", body),
            "content-length": str(len(body)),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return await held(forked_api, HEAD + lines.encode() + b"\r\n" + body)

    await signed("kept-1")
    seconds, answer = await signed("kept-2")  # within a second of the first, so its answer keeps the connection
    assert answer.startswith(b"HTTP/1.1 202")
    assert b"connection: keep-alive" in answer
    assert seconds < 8


async def test_a_flood_while_postgresql_hangs_is_answered_and_not_kept(
    api: Process, urls: DatabaseUrls, tenant: tuple[Tenant, Path], worker_db: Database
) -> None:
    acme, _ = tenant
    bodies = [a_body(ticket_id=f"flood-{number}", description="x" * 200_000) for number in range(300)]  # 60 MB

    signatures = {body: sign_body(b"secret", body) for body in bodies}

    async def send(client: httpx.AsyncClient, body: bytes) -> httpx.Response | None:
        """The answer, or None: of a body that is ended to make room, the rest meets a closed connection, and TCP may
        then drop the 503 before it is read.
        """
        headers = {
            "content-type": "application/json",
            "x-tenant-id": str(acme.id),
            "x-servicedesk-signature": signatures[body],
        }
        try:
            return await client.post("/webhook/servicedesk", content=body, headers=headers)
        except httpx.ReadError:
            return None

    at_rest = peak = api.resident_mb
    blocker = await asyncpg.connect(urls.superuser)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=api.url, timeout=30, limits=limits) as client:
        transaction = blocker.transaction()
        await transaction.start()
        await blocker.execute("lock table delivery in exclusive mode")
        sending = []
        for body in bodies:
            sending.append(asyncio.create_task(send(client, body)))
            peak = max(peak, api.resident_mb)
            await asyncio.sleep(0.005)
        # Those that nothing is kept of hear so while PostgreSQL hangs. No longer than that: what is kept is given up
        # after 8 s (ACCEPT_TIMEOUT_S), which on a busy machine are soon over.
        async with asyncio.timeout(6):
            while sum(task.done() for task in sending) <= 80:
                peak = max(peak, api.resident_mb)
                await asyncio.sleep(0.05)
        await transaction.rollback()
        heard = await asyncio.gather(*sending)
        refused = [
            body for body, answer in zip(bodies, heard, strict=True) if answer is None or answer.status_code == 503
        ]
        again = [await send(client, body) for body in refused[:20]]
    await blocker.close()
    answers = [answer for answer in (*heard, *again) if answer is not None]
    told = Counter(answer.status_code for answer in heard if answer is not None)
    assert set(told) == {202, 503}, told
    assert told[202] > 50
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)
    assert peak - at_rest < 130
    assert peak < POD_LIMIT_MB
    # What was promised is there, once; what was refused can be sent again.
    assert {answer and answer.status_code for answer in again} == {202}
    stored = [str(each.job_id) for each in await list_deliveries(worker_db, acme.id, limit=1000)]
    promised = {answer.json()["job_id"] for answer in answers if answer.status_code == 202}
    assert promised <= set(stored)
    assert len(set(stored)) == len(stored) <= len(bodies)


async def test_a_webhook_without_a_host_is_refused(forked_api: Process) -> None:
    _, answer = await held(forked_api, HEAD.replace(b"host: api\r\n", b"") + b"content-length: 2\r\n\r\n{}")
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"field":"host"' in answer


@pytest.mark.parametrize("host", [b"x:99999", b"x:port", b"[", b"a b", b"\xe9"])
async def test_whatever_the_host_is_no_answer_is_an_error_of_ours(forked_api: Process, host: bytes) -> None:
    ask = b"%s HTTP/1.1\r\nhost: %s\r\norigin: http://[\r\nconnection: close\r\n\r\n"
    for target in (b"GET /health/live", b"GET /schema", b"GET /no-such-page", b"POST /feedback/x", b"GET /?a=\xff"):
        _, answer = await held(forked_api, ask % (target, host))
        assert answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4")), (target, answer[:80])


@pytest.mark.parametrize("call", [b"GET /webhook/servicedesk", b"POST /webhook/servicedesk", b"GET /health", b"GET /x"])
async def test_an_upgrade_is_answered_as_if_it_was_not_asked_for(forked_api: Process, call: bytes) -> None:
    """RFC 9110, 7.8: a server may ignore it."""
    upgrade = (
        b"upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    seconds, answer = await held(forked_api, call + b" HTTP/1.1\r\nhost: api\r\n" + upgrade + b"\r\n")
    assert seconds < 8
    assert answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4")), answer[:80]


async def test_http_1_0_needs_no_host(forked_api: Process) -> None:
    head = HEAD.replace(b"host: api\r\n", b"").replace(b"HTTP/1.1", b"HTTP/1.0")
    _, answer = await held(forked_api, head + b"content-length: 2\r\n\r\n{}")
    assert answer.startswith(b"HTTP/1.0 401")  # the body is read, and nobody signed it


async def test_lines_that_end_by_a_line_feed_alone_are_lines(forked_api: Process) -> None:
    """As RFC 9112, 2.2, allows. A refusal ends the connection, so nothing is smuggled in after it."""
    head = HEAD.replace(b"\r\n", b"\n") + b"content-length: 2\n\n{}"
    _, answer = await held(forked_api, head + head)
    assert answer.startswith(b"HTTP/1.1 401")
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_what_a_proxy_before_us_may_read_otherwise_is_refused_or_ends_its_connection(
    forked_api: Process, tenant: tuple[Tenant, Path]
) -> None:
    body = a_body(ticket_id="smuggled")
    proof = f"x-tenant-id: {tenant[0].id}\r\nx-servicedesk-signature: {sign_body(b'secret', body)}\r\n".encode()
    length, chunked = b"content-length: %d\r\n" % len(body), b"transfer-encoding: chunked\r\n"
    chunks = b"%x\r\n%s\r\n0\r\n" % (len(body), body)
    good = HEAD + proof + length + b"\r\n" + body
    calls: dict[str, tuple[bytes, bytes]] = {
        "two encodings": (HEAD + proof + chunked + chunked.replace(b"chunked", b"identity") + b"\r\n" + chunks, b"400"),
        "an unknown encoding": (HEAD + proof + chunked.replace(b"chunked", b"xchunked") + b"\r\n" + chunks, b"400"),
        "chunks in HTTP/1.0": (HEAD.replace(b"/1.1", b"/1.0") + proof + chunked + b"\r\n" + chunks, b"400"),
        "a blank in a name": (HEAD + proof + chunked.replace(b":", b" :") + b"\r\n" + chunks, b"400"),
        "a folded line": (HEAD + proof.replace(b"\r\n", b"\r\n x: y\r\n", 1) + length + b"\r\n" + body, b"400"),
        "a list of lengths": (HEAD + proof + length.replace(b"\r", b", 2\r") + b"\r\n" + body, b"400"),
        "a length with a sign": (HEAD + proof + length.replace(b": ", b": +") + b"\r\n" + body, b"400"),
        "a carriage return": (HEAD + proof + length + b"x: a\rb\r\n\r\n" + body, b"400"),
        "a zero": (HEAD + proof + length + b"x: a\0b\r\n\r\n" + body, b"400"),
        "proof in a trailer": (HEAD + chunked + b"trailer: x-tenant-id\r\n\r\n" + chunks + proof + b"\r\n", b"401"),
        "a list of tenants": (HEAD + proof.replace(b"\r", b", x\r", 1) + length + b"\r\n" + body, b"401"),
        "a refusal before": (good.replace(b"sha256=", b"sha256=0") + good, b"401"),
    }
    for name, (call, status) in calls.items():
        _, answer = await held(forked_api, call)
        assert answer.startswith(b"HTTP/1.1 " + status), (name, answer[:80])
        assert (answer.count(b"HTTP/1.1 "), b"connection: close" in answer) == (1, True), name
    both = HEAD + proof + chunked + b"content-length: 3\r\n\r\n" + chunks + b"\r\n"
    for _ in range(2):  # the second comes within a second of the first, which else would keep the connection
        _, answer = await held(forked_api, both + good)
        assert answer.startswith(b"HTTP/1.1 202")
        assert answer.count(b"HTTP/1.1 ") == 1  # RFC 9112, 6.1: the chunks count, and then the connection ends
