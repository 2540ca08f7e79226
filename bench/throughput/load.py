"""Sends webhooks and tells how each was answered.

The work is done by `load.c`, where a C compiler is present; else by this module as a process of its own, which needs
about four times the CPU (70 µs a request). Both take the same arguments and write the same results: see `load.c`.
"""

from __future__ import annotations

import asyncio
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvloop

from app.core.signature import sign_body
from bench.throughput.corpus import Text, webhook_body
from bench.throughput.system import SECRET, TENANT_IDS

_RESULT: Final = struct.Struct("<IIqq")
_GIVE_UP_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of one load."""

    sent: dict[int, float]
    """Number of the accepted request → when it was due, in monotonic seconds."""
    seconds: Sequence[float]
    """Of each accepted one, from when it was due to its answer, sorted."""
    refused: int
    """Those with another answer than 202, or none."""
    took_s: float
    """From the first that was due to the last answer."""
    first: int
    last: int
    """Numbers of the first and the last request."""

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        return self.seconds[min(int(len(self.seconds) * share), len(self.seconds) - 1)] * 1000

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.took_s


def write_requests(target: Path, texts: list[Text], count: int, *, first: int = 0) -> None:
    """*count* signed webhooks, each of another ticket, the tenants in turn. *first*: the first ticket's number."""
    with target.open("wb") as file:
        for number in range(first, first + count):
            body = webhook_body(texts, number)
            head = (
                "POST /webhook/servicedesk HTTP/1.1\r\nhost: localhost\r\nuser-agent: ManageEngine\r\n"
                "accept: */*\r\ncontent-type: application/json\r\n"
                f"x-tenant-id: {TENANT_IDS[number % len(TENANT_IDS)]}\r\n"
                f"x-servicedesk-signature: {sign_body(SECRET.encode(), body)}\r\n"
                f"content-length: {len(body)}\r\n\r\n"
            )
            request = head.encode() + body
            file.write(struct.pack("<I", len(request)) + request)


class Loader:
    """Runs loads from one file of requests, none of which it sends twice."""

    def __init__(self, requests: Path, folder: Path) -> None:
        self._requests = requests
        self._results = folder / "results"
        self._next = 0
        self._command: list[str] = _compile(folder) or [sys.executable, "-m", "bench.throughput.load"]

    def rewind(self) -> None:
        """Begin with the first request again: for another database."""
        self._next = 0

    async def run(self, port: int, *, connections: int, seconds: float, rate: float = 0) -> Answers:
        """A load of *rate* a second; 0: as many as are answered."""
        arguments = map(str, (port, connections, rate, seconds, self._requests, self._next, self._results))
        loader = await asyncio.create_subprocess_exec(*self._command, *arguments)
        if await loader.wait():
            raise RuntimeError("the load generator failed")
        answers = _read(self._results)
        self._next = answers.last + 1
        return answers


def _compile(folder: Path) -> list[str] | None:
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None or sys.platform != "linux":
        return None
    target = folder / "load"
    source = Path(__file__).with_suffix(".c")
    made = subprocess.run([compiler, "-O2", "-o", str(target), str(source)], check=False, capture_output=True)
    return None if made.returncode else [str(target)]


def _read(results: Path) -> Answers:
    rows = list(_RESULT.iter_unpack(results.read_bytes()))
    accepted = [(number, due, answered) for number, status, due, answered in rows if status == 202]
    if not accepted:
        raise RuntimeError(f"none of {len(rows)} webhooks was accepted: {rows[:3]}")
    return Answers(
        sent={number: due / 1e9 for number, due, _ in accepted},
        seconds=sorted((answered - due) / 1e9 for _, due, answered in accepted),
        refused=len(rows) - len(accepted),
        took_s=(max(row[3] for row in rows) - min(row[2] for row in rows)) / 1e9,
        first=min(row[0] for row in rows),
        last=max(row[0] for row in rows),
    )


class _Connection(asyncio.Protocol):
    """One connection of the load generator without a compiler."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.answered: asyncio.Future[int] | None = None
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, separator, body = self._got.partition(b"\r\n\r\n")
        if not separator:
            return
        length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
        if (len(body) < int(length)) if length else (b"0\r\n\r\n" not in body):
            return
        self._got = b""
        if b"connection: close" in head.lower():
            self.transport.close()
        self._end(int(head[9:12]))

    def connection_lost(self, _: Exception | None) -> None:
        self._end(0)

    def _end(self, status: int) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(status)


async def _load(
    requests: Sequence[bytes], first: int, *, port: int, connections: int, rate: float, seconds: float
) -> bytes:
    loop, start = asyncio.get_running_loop(), time.monotonic()
    numbers = iter(range(first, len(requests)))
    due, results = start, []

    async def send_all() -> None:
        nonlocal due
        connection = _Connection()
        while True:
            now = time.monotonic()
            mine = due if rate else now
            if mine - start >= seconds or (number := next(numbers, None)) is None:
                break
            due += 1 / rate if rate else 0
            if mine > now:
                await asyncio.sleep(mine - now)
            if connection.transport is None or connection.transport.is_closing():
                _, connection = await loop.create_connection(_Connection, "127.0.0.1", port)
            connection.answered = loop.create_future()
            connection.transport.write(requests[number])
            try:
                status = await asyncio.wait_for(connection.answered, _GIVE_UP_S)
            except TimeoutError:
                status = 0
            results.append(_RESULT.pack(number, status, int(mine * 1e9), time.monotonic_ns()))
        if connection.transport is not None:
            connection.transport.close()

    await asyncio.gather(*(send_all() for _ in range(connections)))
    return b"".join(results)


def _read_requests(file: Path) -> list[bytes]:
    data, requests, at = file.read_bytes(), [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        requests.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return requests


def main() -> None:
    """As `load.c` says."""
    port, connections, rate, seconds, requests, first, results = sys.argv[1:]
    load = _load(
        _read_requests(Path(requests)),
        int(first),
        port=int(port),
        connections=int(connections),
        rate=float(rate),
        seconds=float(seconds),
    )
    Path(results).write_bytes(uvloop.run(load))


if __name__ == "__main__":
    main()
