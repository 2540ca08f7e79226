"""Processes are started, waited for and ended by one launcher, whatever they do."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from demo.failure import RunFailed
from demo.launcher import Process, environment


async def test_what_ends_well_tells_its_lines(tmp_path: Path) -> None:
    lines = await Process("calendar", "2026", "11", variables={}, log=tmp_path / "calendar.log").finish()
    assert lines[0].strip() == "November 2026"


async def test_what_ends_badly_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    for wait in (Process.finish, Process.ready):
        process = Process("nowhere", variables={}, log=tmp_path / f"{wait.__name__}.log")
        with pytest.raises(RunFailed, match=rf"^{wait.__name__} \(process \d+\) ended with status 1.*\n.*nowhere"):
            await wait(process)


@pytest.mark.skipif(not Path("/proc").exists(), reason="a disk with no byte free is needed")
def test_of_an_empty_log_on_a_full_disk_the_disk_is_told(tmp_path: Path) -> None:
    """Every process of the demo then ended with an empty log, and nothing said why."""
    assert "the disk is full" in str(RunFailed("api ended", log=Path("/proc/api.log")))
    assert str(RunFailed("api ended", log=tmp_path / "api.log")).endswith("(it is empty)")


async def test_what_takes_too_long_is_told_and_a_job_is_ended(tmp_path: Path) -> None:
    server = Process("http.server", "0", "--bind", "127.0.0.1", variables={}, log=tmp_path / "server.log")
    assert "127.0.0.1" in await server.line()
    with pytest.raises(RunFailed, match=r"server took longer than 0.1 s to get ready"):
        await server.ready(limit_s=0.1)
    assert server.is_running
    with pytest.raises(RunFailed, match=r"server took longer than 0.1 s to end"):
        await server.finish(limit_s=0.1)
    assert not server.is_running


async def test_a_frozen_one_is_killed_when_it_does_not_end(tmp_path: Path) -> None:
    model = Process("demo.offline_model", variables={}, log=tmp_path / "model.log")
    await model.line()
    model.send(signal.SIGSTOP)
    assert await model.end(limit_s=0.1) == -signal.SIGKILL
    assert not model.is_wanted


def test_nothing_of_the_callers_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-caller")
    assert "OPENAI_API_KEY" not in environment()
    assert environment(OPENAI_API_KEY="mine")["OPENAI_API_KEY"] == "mine"
