"""Ends a run whose owner is gone: `python -m demo.guardian <run folder>`.

Its standard input is a pipe whose other end the owner holds and never writes to, so the pipe ends when the owner does,
even by SIGKILL. Loads nothing but the standard library: it lives as long as the run and should weigh nothing.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from demo.run_folder import end_run, wait_for_lock


def main(path: Path) -> None:
    """Wait for the owner's end of the pipe to close, then end the run in *path*, unless somebody did."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    sys.stdin.buffer.read()
    lock = wait_for_lock(path)
    if lock is not None:
        end_run(path)
        os.close(lock)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
