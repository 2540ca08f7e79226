"""Ends a run whose owner has died: `python -m demo.guardian <run folder>`.

Its standard input is a pipe from the owner, who never writes to it. So the pipe ends when the owner dies, even by
SIGKILL. It imports only the standard library, since it runs as long as the run and should use little memory.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from demo.run_folder import end_run, wait_for_lock


def main(path: Path) -> None:
    """Wait for the owner's end of the pipe to close, then end the run in *path*, unless it has ended."""
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
