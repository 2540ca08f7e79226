"""Of the end-to-end test, what can be seen without a cluster: its division of the overlay, its Git server, its syntax."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.manifests.rendering import LOCAL, Object, hook_of, name_of, render
from tests.workflows.commands import ENVIRONMENT, SCRIPTS, commit, git, run

FOUNDATION = ".github/e2e/foundation"
WORKLOAD = ".github/e2e/workload"


def _texts(folder: str) -> list[str]:
    return sorted(json.dumps(each, sort_keys=True) for each in render(folder))


def test_foundation_and_workload_are_the_local_overlay_divided() -> None:
    assert sorted(_texts(FOUNDATION) + _texts(WORKLOAD)) == _texts(LOCAL)


def test_workload_is_what_production_s_workload_is() -> None:
    def kinds(objects: list[Object]) -> set[str]:
        return {each["kind"] for each in objects}

    assert kinds(render(WORKLOAD)) == {"ConfigMap", "CronJob", "Deployment", "Job"}
    assert not any(hook_of(each) for each in render(FOUNDATION))
    assert {name for _, name in map(name_of, render(WORKLOAD))} >= {"ai-agents-migrate", "ai-agents-smoke"}


def test_script_s_own_patch_of_the_probe_still_fits(tmp_path: Path) -> None:
    script = (SCRIPTS / "e2e.sh").read_text(encoding="utf-8")
    patch = script.partition("kustomization.yaml\" <<'EOF'\n")[2].partition("EOF\n")[0]
    [operation] = yaml.safe_load(yaml.safe_load(patch)[0]["patch"])
    [api] = [each for each in render(WORKLOAD) if name_of(each) == ("Deployment", "ai-agents-api")]

    value: object = api
    for key in operation["path"].strip("/").split("/"):
        value = value[int(key)] if isinstance(value, list) else value[key]  # type: ignore[index]

    assert value == "/health/ready"


def test_script_is_bash() -> None:
    for script in SCRIPTS.glob("*.sh"):
        assert run("bash", "-n", script, cwd=SCRIPTS).returncode == 0, script


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Where a bare repository `project.git` with one commit is served."""
    git(tmp_path, "init", "--quiet", "--initial-branch=release", "source")
    commit(tmp_path / "source", "Begin", {"file": "one\n"})
    git(tmp_path, "clone", "--quiet", "--bare", "source", "served/project.git")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, SCRIPTS / "git_server.py", "served", str(port)],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}/project.git"
    process.terminate()
    process.wait(timeout=10)


def test_git_server_serves_what_is_pushed_and_takes_no_push(server: str, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", server, "clone")
    changed = commit(tmp_path / "source", "More", {"file": "two\n"})
    git(tmp_path / "source", "push", "--quiet", str(tmp_path / "served" / "project.git"), "HEAD:release")

    assert git(tmp_path, "ls-remote", server, "refs/heads/release").split()[0] == changed
    git(tmp_path / "clone", "pull", "--quiet")
    assert (tmp_path / "clone" / "file").read_text(encoding="utf-8") == "two\n"
    commit(tmp_path / "clone", "Mine", {"file": "three\n"})
    assert run("git", "push", "origin", "HEAD:release", cwd=tmp_path / "clone").returncode != 0
