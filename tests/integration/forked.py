"""A worker that starts in a tenth of the time: a fork of a process that has imported it.

To import the worker is two thirds of what its process costs, and the tests start some thirty. Of its own it has all
else: variables, folder, output, session, signals. Tests of the start itself start real ones.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

from demo.launcher import CHECKOUT, Child, Process


class ForkedProcess(Process):
    """As `Process`, for commands of the product."""

    def _spawn(self, arguments: tuple[str, ...], told: Mapping[str, str]) -> Child:
        return _Fork(arguments, told, self.log)


class _Fork:
    """A process of `multiprocessing` in the form of `subprocess.Popen`."""

    def __init__(self, arguments: tuple[str, ...], told: Mapping[str, str], log: Path) -> None:
        self._process = _server().Process(target=_run, args=(arguments, dict(told), log))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int:
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode

    def send_signal(self, sig: int) -> None:
        os.kill(self.pid, sig)

    def kill(self) -> None:
        self._process.kill()


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.integration.imported_worker"])
    return context


def _run(arguments: tuple[str, ...], told: dict[str, str], log: Path) -> None:
    """The child: `python -m` *arguments* with the environment *told*."""
    os.setsid()
    os.chdir(CHECKOUT)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for number in (1, 2):
        os.dup2(output, number)
    os.environ.clear()
    os.environ.update(told)
    sys.argv = [*arguments]
    from app.cli import main

    main()
