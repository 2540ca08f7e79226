"""Where the processes of a measurement run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.throughput.machine import OTHER_CORE, SERVER_CORE, pinned

_TELL = (sys.executable, "-c", "import os; print(*os.sched_getaffinity(0))")


def cores_of_a_child() -> set[int]:
    return set(map(int, subprocess.run(_TELL, capture_output=True, check=True, text=True).stdout.split()))


@pytest.mark.skipif(not os.sched_getaffinity(0) >= SERVER_CORE | OTHER_CORE, reason="one core")
def test_the_process_under_test_has_a_core_of_its_own_though_the_measurement_keeps_to_the_other() -> None:
    with pinned(OTHER_CORE):
        with pinned(SERVER_CORE):
            assert cores_of_a_child() == SERVER_CORE
        assert cores_of_a_child() == OTHER_CORE
