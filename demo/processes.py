"""The product's own processes: real children with the environment of the contract, each with its log.

Invariant: a child is recorded in the run folder before anybody waits for it, gets nothing of our caller's environment
but what a program needs to start, and is told to end by us alone, not by the terminal.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from demo.failure import DemoFailed
from demo.run_folder import RunFolder

_CHECKOUT: Final = Path(__file__).resolve().parents[1]
# What a program needs to find itself, its home and its time.
_INHERITED: Final = ("PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_POLL_S: Final = 0.02
_STOP_S: Final = 4.0


class Process:
    """One `ai-agents` command as a child of this process."""

    def __init__(self, run: RunFolder, *arguments: str, environment: Mapping[str, str], end_with: int) -> None:
        self.name = arguments[0]
        self.log = run.path / f"{self.name}.log"
        self._end_with = end_with
        with self.log.open("ab") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "app", *arguments],
                env={**_own_environment(), **environment},
                cwd=_CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        run.record(self._popen.pid, end_with=end_with)

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    def check(self, *, may_have_ended: bool = False) -> None:
        """Raise DemoFailed when it has ended, or with *may_have_ended* when it has failed."""
        status = self._popen.poll()
        if status is None or (may_have_ended and status == 0):
            return
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        raise DemoFailed(f"{self.name} (process {self._popen.pid}) {how}", log=self.log)

    async def stop(self) -> None:
        """Ask it to end, and kill it when it takes long."""
        deadline = time.monotonic() + _STOP_S
        if self.is_running:
            self._popen.send_signal(self._end_with)
        while self.is_running:
            if time.monotonic() > deadline:
                self._popen.kill()
            await asyncio.sleep(_POLL_S)

    def kill(self) -> None:
        if self.is_running:
            self._popen.kill()


class Processes:
    """All children of one run: those that serve until they are stopped, and those that do one thing and end."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._serving: list[Process] = []
        self._passing: list[Process] = []

    def log_of(self, command: str) -> Path:
        return self._run.path / f"{command}.log"

    def start(self, command: str, environment: Mapping[str, str], *, end_with: int = signal.SIGTERM) -> None:
        """Start a command that serves; *end_with* is the signal that stops it."""
        self._serving.append(Process(self._run, command, environment=environment, end_with=end_with))

    async def finish(self, command: str, environment: Mapping[str, str]) -> list[str]:
        """Run a command to its end. Returns the lines that it wrote.

        Raises:
            DemoFailed: It ended with another status than 0.
        """
        process = Process(self._run, command, environment=environment, end_with=signal.SIGTERM)
        self._passing.append(process)
        while process.is_running:  # noqa: ASYNC110 - a state outside this process
            await asyncio.sleep(_POLL_S)
        process.check(may_have_ended=True)
        return process.log.read_text(errors="replace").splitlines()

    def check(self) -> None:
        """Raise DemoFailed when one that serves has ended."""
        for process in self._serving:
            process.check()

    async def stop(self) -> None:
        """End all, side by side, within a few seconds."""
        await asyncio.gather(*(process.stop() for process in (*self._serving, *self._passing)))

    def kill(self) -> None:
        """End all at once."""
        for process in (*self._serving, *self._passing):
            process.kill()


def _own_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}  # noqa: TID251 - passed on as they are
    return {**kept, "PYTHONUTF8": "1", "LANG": "C.UTF-8"}
