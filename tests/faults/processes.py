"""The product and the simulator as children of this process.

Invariant: each child is recorded in the run folder before anybody waits for it, so none outlives the run; a stopped one
(SIGSTOP) is ended by SIGKILL.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import aiohttp

from demo.run_folder import RunFolder
from tests.integration.processes import CHECKOUT, environment

_POLL_S: Final = 0.03
_READY_S: Final = 120.0


class HarnessBroken(Exception):
    """The harness itself can't go on: its figures would mean nothing."""


class Child:
    """One process, its output in a log of its own."""

    def __init__(self, run: RunFolder, name: str, arguments: Sequence[str], variables: Mapping[str, str]) -> None:
        self.name = name
        self.log = run.path / f"{name}.log"
        with self.log.open("wb") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=CHECKOUT,
                env=environment(PYTHONUTF8="1", **variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # as in containers: each has its own share of the machine
            )
        run.record(self._popen.pid)
        self.is_wanted = True
        """Whether nobody told it to end."""

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        if self.is_running:
            self._popen.send_signal(number)

    async def end(self, number: signal.Signals = signal.SIGTERM, *, limit_s: float = 45.0) -> int:
        """Send the signal and wait; the exit status. SIGKILL when it takes longer."""
        self.is_wanted = False
        self.send(number)
        deadline = time.monotonic() + limit_s
        while self.is_running:
            if time.monotonic() > deadline:
                self._popen.kill()
            await asyncio.sleep(_POLL_S)
        return self._popen.wait()

    async def finish(self, *, limit_s: float) -> None:
        """Wait until it ends by itself, well."""
        deadline = time.monotonic() + limit_s
        while self.is_running and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_S)
        if self._popen.poll() != 0:
            raise HarnessBroken(f"{self.name} did not end well:\n{tail(self.log)}")

    async def lines(self, number: int) -> list[str]:
        """Its first *number* lines, as soon as they are there."""
        deadline = time.monotonic() + _READY_S
        while len(lines := self.log.read_text(errors="replace").splitlines()) < number:
            if not self.is_running or time.monotonic() > deadline:
                raise HarnessBroken(f"{self.name} did not start:\n{tail(self.log)}")
            await asyncio.sleep(_POLL_S)
        return lines[:number]

    async def ready(self, url: str) -> None:
        """Wait until it says that it takes work."""
        deadline = time.monotonic() + _READY_S
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(2)) as session:
            while not await _is_ready(session, url):
                if not self.is_running or time.monotonic() > deadline:
                    raise HarnessBroken(f"{self.name} did not get ready:\n{tail(self.log)}")
                await asyncio.sleep(_POLL_S)


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/health/ready") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def tail(log: Path, *, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
