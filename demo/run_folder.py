"""A folder for one run. Everything that the run started ends with it, even when its owner is killed by SIGKILL.

    base/run-3f9c…/          one run; the process with the lock on `lock` owns it
        lock
        process-4711.json    a process that must end with the run, and how to recognise it
        folder-….json        a folder elsewhere that ends with the run

Invariant: only processes and folders in these files are ended. A process is ended only if its start time is still the
recorded one, so a process that was given the same id later is not touched.

Two mechanisms do this, in case one fails: a guardian process, which waits until the owner's end of a pipe closes, and
each later run on the same base, which removes folders whose lock is free. Works on Linux and macOS.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Time between the first signal and SIGKILL.
_GRACE_S: Final = 6.0
_POLL_S: Final = 0.02
_PREFIX: Final = "run-"
_PRIVATE_PREFIX: Final = "ai-agents-"
_CHECKOUT: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Mark:
    """A process that must end with the run."""

    pid: int
    started: str
    """When it started, from `identify`. No two processes have the same pid and start."""
    end_with: int
    """The signal that asks it to end."""

    @property
    def is_alive(self) -> bool:
        return identify(self.pid) == self.started

    def signal(self, number: int) -> None:
        """Send *number* to the process, and to its group if it leads one. Does nothing if it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if not self.is_alive:
                return
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)


class RunFolder:
    """One run's folder, owned until the `open_run_folder` that made it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, pid: int, *, end_with: int = signal.SIGTERM) -> None:
        """Record process *pid*, so that it is ended with the run, first by the signal *end_with*."""
        started = identify(pid)
        if started is not None:
            _write(self.path / f"process-{pid}.json", {"pid": pid, "started": started, "end_with": int(end_with)})

    def make_private_folder(self, within: Path) -> Path:
        """A new folder in *within*, readable by this user only, which is removed with the run."""
        # Recorded before it is made: if the run is killed in between, no folder is left without a record.
        path = within / f"{_PRIVATE_PREFIX}{secrets.token_hex(8)}"
        note = self.path / f"folder-{path.name}.json"
        _write(note, {"path": str(path)})
        try:
            path.mkdir(mode=0o700)
        except OSError:
            note.unlink()
            raise
        return path


@contextmanager
def open_run_folder(base: Path) -> Iterator[RunFolder]:
    """A new run folder in *base*. Folders of killed runs are removed first.

    At the end, and when this process is killed, recorded processes are ended and the folder is removed.
    """
    base.mkdir(parents=True, exist_ok=True)
    # The lock on the base protects a new folder until it has its own lock.
    with _locked(base / "lock"):
        stale = [(path, lock) for path in sorted(base.glob(f"{_PREFIX}*")) if (lock := _try_lock(path)) is not None]
        path = base / f"{_PREFIX}{secrets.token_hex(4)}"
        # Other users may enter: under root, PostgreSQL's user has its data inside.
        path.mkdir()
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with _open_guardian(path):
            for left, left_lock in stale:
                end_run(left)
                os.close(left_lock)
            try:
                yield RunFolder(path)
            finally:
                end_run(path)
    finally:
        os.close(lock)


def wait_for_lock(path: Path) -> int | None:
    """Wait until the owner of the run folder *path* is gone, and lock it. None if the folder is gone.

    Returns the open lock file.
    """
    try:
        lock = os.open(path / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def end_run(path: Path) -> None:
    """End every process that the run folder *path* names, then remove the folders that it names, and itself."""
    end_processes(_read_marks(path))
    for note in path.glob("folder-*.json"):
        folder = Path(str(_read(note).get("path", "")))
        # The name is checked again, since this may run as root.
        if folder.name.startswith(_PRIVATE_PREFIX) and folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(path, ignore_errors=True)


def end_processes(marks: Iterable[Mark]) -> None:
    """Ask each of *marks* to end, wait, and kill what is left. Blocks for a few seconds at most."""
    alive = [mark for mark in marks if mark.is_alive]
    for mark in alive:
        mark.signal(mark.end_with)
    deadline = time.monotonic() + _GRACE_S
    while alive and time.monotonic() < deadline:
        time.sleep(_POLL_S)  # noqa: TID251 - no loop runs here
        alive = [mark for mark in alive if mark.is_alive]
    for mark in alive:
        mark.signal(signal.SIGKILL)


def identify(pid: int) -> str | None:
    """When process *pid* started, as a text that can only be compared; None when it does not run."""
    try:
        # The name in parentheses may hold anything; what follows the last ")" is state, parent, …, start time.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except FileNotFoundError:
        return None if Path("/proc/self").exists() else _identify_by_ps(pid)
    except (ProcessLookupError, PermissionError):
        return None
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def _identify_by_ps(pid: int) -> str | None:
    """Like `identify` without /proc (macOS). To the second, which is enough: ids are not reused so fast."""
    found = subprocess.run(
        ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)],
        env={"LC_ALL": "C", "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    return None if not found or found[0].startswith("Z") else " ".join(found[1:])


@contextmanager
def _open_guardian(path: Path) -> Iterator[None]:
    """Start a process in its own session that ends the run *path* when this process has ended in any way."""
    guardian = subprocess.Popen(
        [sys.executable, "-m", "demo.guardian", str(path.resolve())],
        cwd=_CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        assert guardian.stdin is not None  # noqa: S101 - asked for above
        guardian.stdin.close()
        # It waits for the lock, which we hold. The folder is gone now, so it ends.
        try:
            guardian.wait(timeout=2)
        except subprocess.TimeoutExpired:
            guardian.kill()
            guardian.wait()


def _try_lock(path: Path) -> int | None:
    """The lock of the run folder *path* as an open file; None when another process has it."""
    try:
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:  # removed meanwhile, or of another user
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _read_marks(path: Path) -> list[Mark]:
    values = [_read(note) for note in path.glob("process-*.json")]
    return [
        Mark(pid=pid, started=started, end_with=end_with)
        for value in values
        if isinstance(pid := value.get("pid"), int)
        and isinstance(started := value.get("started"), str)
        and isinstance(end_with := value.get("end_with"), int)
    ]


def _write(path: Path, value: dict[str, object]) -> None:
    """Write *value* atomically, since it may be read at any moment."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False) as file:
        json.dump(value, file)
    Path(file.name).replace(path)


def _read(path: Path) -> dict[str, object]:
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
