"""Sends webhooks and tells how each was answered.

The work is done by `load.c`. Where there is no C compiler, the package `ziglang` brings one, of which uv keeps a copy.
"""

from __future__ import annotations

import asyncio
import shutil
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core.signature import sign_body
from bench.throughput.corpus import Text, webhook_body
from bench.throughput.machine import UV_RUN
from bench.throughput.system import SECRET, TENANT_IDS

_RESULT: Final = struct.Struct("<IIqq")
_PACKAGED_COMPILER: Final = "ziglang==0.15.2"


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
        self._program = _compile(folder)

    def rewind(self) -> None:
        """Begin with the first request again: for another database."""
        self._next = 0

    async def run(self, port: int, *, connections: int, seconds: float, rate: float = 0) -> Answers:
        """A load of *rate* a second; 0: as many as are answered."""
        arguments = map(str, (port, connections, rate, seconds, self._requests, self._next, self._results))
        loader = await asyncio.create_subprocess_exec(self._program, *arguments)
        if await loader.wait():
            raise RuntimeError("the load generator failed")
        answers = _read(self._results)
        self._next = answers.last + 1
        return answers


def _compile(folder: Path) -> Path:
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    compiler = [found] if found else [*UV_RUN, "--from", _PACKAGED_COMPILER, "python-zig", "cc"]
    target = folder / "load"
    subprocess.run([*compiler, "-O2", "-o", str(target), str(Path(__file__).with_suffix(".c"))], check=True)
    return target


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
