"""Commands of the product that start in a tenth of the time: each a fork of a process that has imported them.

To import the product is two thirds of what its process costs, and the tests start some eighty. Of its own a fork has
all else: variables, folder, output, session, signals. Tests of the start itself start real ones.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from demo.launcher import CHECKOUT, Child, Process, environment

_LIMIT_S: Final = 120.0


class ForkedProcess(Process):
    """As `Process`, for commands of the product."""

    def _spawn(self, arguments: tuple[str, ...], told: Mapping[str, str]) -> Child:
        return _Fork(arguments, told, self.log)


def run_command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m app` *arguments* to its end, as `subprocess.run` does.

    Raises:
        subprocess.TimeoutExpired: It took longer than two minutes.
    """
    with TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        process = _server().Process(target=_run, args=(("app", *arguments), environment(**variables), output, errors))
        process.start()
        process.join(_LIMIT_S)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(arguments, _LIMIT_S)
        return subprocess.CompletedProcess(arguments, process.exitcode, output.read_text(), errors.read_text())


class _Fork:
    """A process of `multiprocessing` in the form of `subprocess.Popen`."""

    def __init__(self, arguments: tuple[str, ...], told: Mapping[str, str], log: Path) -> None:
        self._process = _server().Process(target=_run, args=(arguments, dict(told), log, log))
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
    context.set_forkserver_preload(["tests.integration.imported"])
    return context


def _run(arguments: tuple[str, ...], told: dict[str, str], output: Path, errors: Path) -> None:
    """The child: `python -m` *arguments* with the environment *told*."""
    os.setsid()
    os.chdir(CHECKOUT)
    for number, path in ((1, output), (2, errors)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), number)
    os.environ.clear()
    os.environ.update(told)
    sys.argv = [*arguments]
    from app.cli import main

    main()
