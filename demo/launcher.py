"""Starts child processes for the demo, the tests and the bench: the product's commands and other Python modules.

Invariant: of our own environment a child gets only what a program needs to start. Only we send it signals, not the
terminal. With a `RunFolder` it is recorded there right after its start, so it never outlives the run.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp

from demo.embedded import find_free_port
from demo.failure import RunFailed
from demo.run_folder import RunFolder

CHECKOUT: Final = Path(__file__).resolve().parents[1]

# What any program needs: its path, home folder, time zone and libraries.
_INHERITED: Final = ("PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_LISTENS: Final[Mapping[tuple[str, ...], Mapping[str, str]]] = {
    ("app", "api"): {"API_HOST": "127.0.0.1", "API_PORT": "{port}"},
    ("app", "worker"): {"PROMETHEUS_PORT": "{port}"},
    ("app", "console"): {"CONSOLE_HOST": "127.0.0.1", "CONSOLE_PORT": "{port}"},
}
_POLL_S: Final = 0.02
_ANSWER_S: Final = 2.0
# A machine with much other work takes a minute to import the product. What ends is told at once, however long this is.
_LIMIT_S: Final = 180.0


def environment(**variables: str) -> dict[str, str]:
    """An environment of *variables* and the variables that any program needs."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}  # noqa: TID251 - passed on unchanged
    return {**kept, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8", **variables}


class Child(Protocol):
    """What is needed of a child process: a part of `subprocess.Popen`."""

    pid: int

    @property
    def returncode(self) -> int | Any: ...
    def poll(self) -> int | None: ...
    def wait(self) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


class Process:
    """`python -m` *arguments* in the checkout.

    Args:
        arguments: A module and its arguments: "app", "worker".
        variables: Its environment; the port is added.
        log: Its output is appended to this file, whose name is also the name of the process.
        run: The run with which it ends at the latest.
        port: The port on which a command of the product listens; a free one by default.
        end_with: The signal that ends it.
    """

    def __init__(
        self,
        *arguments: str,
        variables: Mapping[str, str],
        log: Path,
        run: RunFolder | None = None,
        port: int | None = None,
        end_with: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = log.stem
        self.log = log
        self.port = port or find_free_port()
        self.is_wanted = True
        """False once it was asked to end."""
        self._end_with = end_with
        self._started = time.monotonic()
        listens = {name: value.format(port=self.port) for name, value in _LISTENS.get(arguments, {}).items()}
        self._popen = self._spawn(arguments, environment(**{**listens, **variables}))
        if run is not None:
            run.record(self.pid, end_with=end_with)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    @property
    def resident_mb(self) -> float:
        """Its resident memory. Linux only."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def check(self) -> None:
        """Raise RunFailed when it has ended."""
        status = self._popen.poll()
        if status is not None:
            how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
            raise RunFailed(f"{self.name} (process {self.pid}) {how}", log=self.log)

    async def ready(self, *, limit_s: float = _LIMIT_S) -> float:
        """Wait until it reports that it is ready. Returns the seconds since its start."""
        async with (
            self._at_most(limit_s, "to get ready"),
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_ANSWER_S)) as session,
        ):
            while not await _answers(session, f"{self.url}/health/ready"):
                self.check()
                await asyncio.sleep(_POLL_S)
        return time.monotonic() - self._started

    async def line(self, *, limit_s: float = _LIMIT_S) -> str:
        """The first line that it writes."""
        async with self._at_most(limit_s, "to say a word"):
            while "\n" not in (text := self.log.read_text(errors="replace")):
                self.check()
                await asyncio.sleep(_POLL_S)
        return text.partition("\n")[0]

    async def finish(self, *, limit_s: float = _LIMIT_S) -> list[str]:
        """Wait until it ends by itself with status 0. Returns the lines that it wrote."""
        try:
            async with self._at_most(limit_s, "to end"):
                while self.is_running:  # noqa: ASYNC110 - a state outside this process
                    await asyncio.sleep(_POLL_S)
        except RunFailed:
            self.kill()
            raise
        if self._popen.returncode:
            self.check()
        return self.log.read_text(errors="replace").splitlines()

    def send(self, number: signal.Signals) -> None:
        """Send the signal, if it runs."""
        if self.is_running:
            self._popen.send_signal(number)

    async def end(self, number: signal.Signals | None = None, *, limit_s: float = 30.0) -> int:
        """Send the signal and wait; after *limit_s* send SIGKILL. Returns the exit status."""
        self.is_wanted = False
        self.send(number or self._end_with)
        deadline = time.monotonic() + limit_s
        while self.is_running:
            if time.monotonic() > deadline:
                self._popen.kill()
            await asyncio.sleep(_POLL_S)
        return self._popen.wait()

    def kill(self) -> None:
        """End it at once, if it runs."""
        self.is_wanted = False
        self.send(signal.SIGKILL)
        self._popen.wait()

    def _spawn(self, arguments: tuple[str, ...], told: Mapping[str, str]) -> Child:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=told,
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @asynccontextmanager
    async def _at_most(self, limit_s: float, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(limit_s):
                yield
        except TimeoutError as error:
            raise RunFailed(f"{self.name} took longer than {limit_s:g} s {what}", log=self.log) from error


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.ok
    except (aiohttp.ClientError, TimeoutError):
        return False
