"""Cores, and the CPU and memory of trees of processes, from /proc. Linux only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")

UV_RUN: Final = (str(Path(sys.executable).with_name("uv")), "tool", "run", "--quiet", "--python", sys.executable)
"""Runs a tool of a package in an environment of its own."""
SERVER_CORE: Final = frozenset({0})
OTHER_CORE: Final = frozenset({1})
ALL_CORES: Final = frozenset(os.sched_getaffinity(0))


@contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """Whatever is started in this block runs on *cores*; on a machine with one core, anywhere.

    *cores* may be others than those that this process itself is pinned to.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores & ALL_CORES or ALL_CORES)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def tree(pid: int) -> list[int]:
    """*pid* and all its descendants."""
    found = [pid]
    for each in found:
        try:
            for task in Path(f"/proc/{each}/task").glob("*/children"):
                found += map(int, task.read_text().split())
        except OSError:  # it, or one of its threads, ended meanwhile
            continue
    return found


def cpu_s(pid: int) -> float:
    """Seconds of CPU that *pid*, its descendants, and those of them that have ended, have used."""
    return sum(sum(_ticks(each)) * _TICK_S for each in tree(pid))


def fine_cpu_s(pid: int) -> float:
    """As `cpu_s`, to the nanosecond, of the processes that run now."""
    total = 0
    for each in tree(pid):
        try:
            total += int(Path(f"/proc/{each}/schedstat").read_text().split()[0])
        except OSError:
            continue
    return total / 1e9


def _ticks(pid: int) -> tuple[int, ...]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return (0,)
    return tuple(map(int, fields[11:15]))  # own in user and system mode, then of children that were waited for


def pss_mib(pid: int) -> float:
    """Proportional memory of the tree of *pid*: shared pages count once."""
    return _rollup_mib(pid, "Pss")


def anonymous_mib(pid: int) -> float:
    """Memory that the tree of *pid* has allocated. Unlike the proportional, it is the same whoever else runs."""
    return _rollup_mib(pid, "Anonymous")


def _rollup_mib(pid: int, name: str) -> float:
    total = 0
    for each in tree(pid):
        try:
            rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(f"{name}:"))
    return total / 1024


def machine_cpu_s() -> float:
    """Seconds of CPU that all processes together have used since the machine's start."""
    fields = list(map(int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:]))
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) * _TICK_S
