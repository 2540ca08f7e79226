"""`make demo`: one run, from the creation of its folder to its exit status.

Invariant: however the run ends (success, error or signal), everything that it started is stopped and its folder
removed. The logs of the last run stay in `.demo/last-run`.
"""

from __future__ import annotations

import asyncio
import os
import re
import select
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from demo.display import Display
from demo.failure import RunFailed
from demo.launcher import Process
from demo.run_folder import RunFolder, open_run_folder
from demo.servers import Servers, start_servers

if TYPE_CHECKING:
    from demo.story import Stage

_WATCH_EVERY_S: Final = 0.1
_STOP_S: Final = 4.0
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FOLDER: Final = ".demo"
_KEPT_LOGS: Final = "last-run"


def run_demo(base: Path, *, is_once: bool) -> int:
    """Run the demo in *base*`/.demo`; returns the exit status."""
    started = time.monotonic()
    folder = base / _FOLDER
    try:
        with open_run_folder(folder) as run, _keeping_logs(run, folder / _KEPT_LOGS):
            return asyncio.run(_Run(run, Display(started=started), is_once=is_once).play())
    except RunFailed as error:
        where = f"\nThe logs are kept in {folder / _KEPT_LOGS}."
        sys.stderr.write(f"The demo failed: {error}{where}\n")
    except BrokenPipeError:  # the reader of our output is gone; the interpreter must not write the rest either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except BlockingIOError as error:  # of fork
        sys.stderr.write(f"The demo failed: no more processes may be started here (ulimit -u): {error.strerror}\n")
    except OSError as error:
        sys.stderr.write(f"The demo failed: {error.filename or folder}: {error.strerror or error}\n")
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 1


class _Run:
    def __init__(self, run: RunFolder, display: Display, *, is_once: bool) -> None:
        self._run = run
        self._display = display
        self._is_once = is_once
        self._serving: list[Process] = []
        """The product's processes that serve. Short commands are ended by the run folder."""
        self._checks: list[Callable[[], None]] = []
        self._stage: Stage | None = None
        self._signal: int | None = None

    async def play(self) -> int:
        """Play the story until it ends, a signal comes, or a process that it needs dies; then stop everything."""
        async with AsyncExitStack() as stack:
            work = asyncio.create_task(self._story(stack))
            watch = asyncio.create_task(self._watch())
            self._stop_on_signals(work)
            try:
                await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (work, watch):
                    task.cancel()
                await asyncio.wait({work, watch})
                await asyncio.gather(*(process.end(limit_s=_STOP_S) for process in self._serving))
            for task in (watch, work):
                if not task.cancelled():
                    task.result()
        return self._status()

    async def _story(self, stack: AsyncExitStack) -> None:
        servers = asyncio.create_task(self._start_servers(stack))
        try:
            # Done while the servers start, since importing the story's modules takes as long.
            play, make_stage = await asyncio.to_thread(_load_story)
            self._stage = make_stage(
                run=self._run,
                display=self._display,
                serving=self._serving,
                stack=stack,
                servers=servers,
                is_once=self._is_once,
            )
            await play(self._stage)
        finally:
            servers.cancel()
            await asyncio.wait({servers})

    async def _start_servers(self, stack: AsyncExitStack) -> Servers:
        with self._display.step("PostgreSQL and Valkey") as step:
            servers = await start_servers(self._run, stack)
            step.detail = f"127.0.0.1, ports {servers.postgres.port} and {servers.valkey.port}"
        self._checks.append(servers.check)
        return servers

    async def _watch(self) -> None:
        is_to_outlive_terminal = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        while True:
            if not is_to_outlive_terminal and _is_unheard():
                raise BrokenPipeError
            for check in (*self._checks, *(process.check for process in self._serving)):
                check()
            await asyncio.sleep(_WATCH_EVERY_S)

    def _stop_on_signals(self, work: asyncio.Task[None]) -> None:
        def stop(number: int) -> None:
            if self._signal is not None:  # a second signal
                for process in self._serving:
                    process.kill()
            self._signal = number
            work.cancel()

        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # ignored by nohup, or by a shell for background jobs
                loop.add_signal_handler(number, stop, number)

    def _status(self) -> int:
        is_complete = self._is_once or (self._stage is not None and self._stage.is_complete)
        if self._signal is not None and not (self._stage and self._stage.is_complete):
            return 128 + self._signal
        return 0 if is_complete and self._stage is not None and self._stage.is_passed else 1


def _is_unheard() -> bool:
    """Whether whoever reads our output is gone.

    Of a terminal that is closed the kernel tells only the first process in it: for `ssh -t host make demo`, or a tmux
    window of it, that is make, which waits for us.
    """
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in output.poll(0))


def _load_story() -> tuple[Callable[[Stage], Awaitable[None]], type[Stage]]:
    from demo.story import Stage, play  # noqa: PLC0415 - takes 0.7 s, so it is done while servers start

    return play, Stage


@contextmanager
def _keeping_logs(run: RunFolder, target: Path) -> Iterator[None]:
    """Move the run's logs to *target* when it ends; they replace those of the run before."""
    try:
        yield
    finally:
        with suppress(OSError):
            kept = run.path / _KEPT_LOGS
            kept.mkdir()
            for log in run.path.glob("*.log"):
                shutil.copyfile(log, kept / re.sub(r"-.*(?=\.log$)", "", log.name))
            shutil.rmtree(target, ignore_errors=True)
            kept.rename(target)
