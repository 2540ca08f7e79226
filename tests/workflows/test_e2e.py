"""Of the end-to-end test, what can be seen without a cluster: its division of the overlay, its Git server, its syntax."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.manifests.project import DIGEST, WITH_STAGING, copy_project
from tests.manifests.rendering import APPLICATIONS, LOCAL, Object, hook_of, name_of, of_kind, render
from tests.workflows.commands import ENVIRONMENT, ROOT, SCRIPTS, commit, git, run

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


def _prepare(folder: Path, machine: str = "", **variables: str) -> Path:
    """The tree of the end-to-end test at its first release, as the script itself makes it before there is a cluster."""
    project = folder / "project"
    # What the script releases is a commit: here of the tree as it is, which need not be in a repository, so far as it reads it.
    for path in (".github", "argocd", "kustomize", "policies", "demo", "tests/manifests"):
        shutil.copytree(ROOT / path, project / path, ignore=shutil.ignore_patterns("__pycache__"))
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "As it is")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "machine.sh").write_text(
        f"""
        {machine}
        make_cluster() {{ address=127.0.0.1; }}
        remove_cluster() {{ :; }}
        push_image() {{ echo {DIGEST}; }}
        kubectl() {{ :; }}
        make_root() {{ cp -r "$source" {folder}/source; exit 0; }}
        """,
        "utf-8",
    )
    script, told = project / ".github/scripts/e2e.sh", {"MACHINE": str(folder / "machine.sh"), "GIT_PORT": str(port)}
    result = run("bash", script, cwd=project, **told, **variables)
    assert result.returncode == 0, result.stderr
    return folder / "source"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _prepare(tmp_path_factory.mktemp("e2e"))


@WITH_STAGING
def test_the_drill_takes_environments_and_policies_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "argo-cd.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argo-cd}\n", "utf-8")
    (tmp_path / "run/pki").mkdir(parents=True)
    (tmp_path / "run/pki/ca.crt").write_text("-----BEGIN CERTIFICATE-----\n", "utf-8")
    (tmp_path / "run/zone").write_text("Z0123456789", "utf-8")

    made = _prepare(tmp_path, f"source '{ROOT}/drill/machine.sh'", DRILL_FOLDER=str(tmp_path))

    policies = {("NetworkPolicy", "tenant-acme"), ("NetworkPolicy", "help-desk")}
    console = {(kind, "ai-agents-console") for kind in ("Deployment", "Service")}
    options = console | {("ExternalSecret", "console"), ("ExternalSecret", "feedback")}
    for environment, of_people in (("staging", set[tuple[str, str]]()), ("production", options)):
        for part, more in (("foundation", policies | {("ConfigMap", "database-ca")}), ("workload", of_people)):
            overlay = f"kustomize/overlays/{environment}/{part}"
            names = {name_of(each) for each in render(overlay, root=made)}
            assert names == {name_of(each) for each in render(overlay)} | more
    assert {name_of(each) for each in render("policies", root=made)} == {name_of(each) for each in render("policies")}
    (issuer,) = render("argocd/cluster-issuer", root=made)
    assert "Z0123456789" in str(issuer)
    assert "install.yaml" in (made / "argocd/bootstrap/argo-cd/kustomization.yaml").read_text("utf-8").split()


@WITH_STAGING
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_an_environment_is_the_local_overlay_with_what_the_drill_needs(prepared: Path, environment: str) -> None:
    parts = {
        part: render(f"kustomize/overlays/{environment}/{part}", root=prepared) for part in ("foundation", "workload")
    }

    names = {part: {name_of(each) for each in objects} for part, objects in parts.items()}
    assert not names["foundation"] & names["workload"]
    more = {("NetworkPolicy", "default-deny"), ("NetworkPolicy", "tenant-acme"), ("ConfigMap", "release")}
    local = {name for name in map(name_of, render(LOCAL)) if name[0] not in {"Namespace", "ConfigMap"}}
    assert local | more <= names["foundation"] | names["workload"]
    (namespace,) = of_kind(parts["foundation"], "Namespace")
    assert namespace["metadata"]["name"] == environment
    assert namespace["metadata"]["labels"]["ai-agents/policies"] == "enforced"
    everything = parts["foundation"] + parts["workload"]
    assert {each["metadata"]["namespace"] for each in everything if each is not namespace} == {environment}
    project = next(each for each in render(APPLICATIONS, root=prepared) if name_of(each) == ("AppProject", "ai-agents"))
    allowed = {each["kind"] for each in project["spec"]["namespaceResourceWhitelist"]}
    assert {each["kind"] for each in everything} - allowed == {"Namespace"}


@WITH_STAGING
def test_the_root_brings_the_environments_and_the_one_policy_that_they_obey(prepared: Path) -> None:
    names = {name_of(each) for each in render(APPLICATIONS, root=prepared)}

    assert {name for kind, name in names if kind == "Application"} == {"policies"}
    assert ("ApplicationSet", "environments") in names
    assert {name for _, name in map(name_of, render("policies", root=prepared))} == {"from-git-alone"}


@WITH_STAGING
def test_what_it_installs_is_taken_by_make_bootstrap(prepared: Path) -> None:
    checked = run(sys.executable, "kustomize/installation/check.py", cwd=prepared)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(("place", "made"), [(0, "--no-such-option"), (1, "/never-ready"), (2, "--no-such-check")])
def test_the_releases_that_fail_are_what_the_script_says(tmp_path: Path, place: int, made: str) -> None:
    copy_project(tmp_path)
    script = (SCRIPTS / "e2e.sh").read_text("utf-8")
    patch = script.split("in_workload <<'EOF'\n")[1 + place].partition("EOF\n")[0]
    with (tmp_path / WORKLOAD / "kustomization.yaml").open("a", encoding="utf-8") as file:
        file.write(patch)

    changed = [each for each in render(WORKLOAD, root=tmp_path) if made in str(each)]

    assert len(changed) == 1


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
        [sys.executable, SCRIPTS / "git_server.py", "served", "127.0.0.1", str(port)],
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


def test_what_it_is_told_of_a_commit_is_written_down(server: str, tmp_path: Path) -> None:
    told = httpx.post(
        f"{server.removesuffix('/project.git')}/repos/example/ai-agents/statuses/{'a' * 40}",
        json={"state": "success", "context": "staging-workload", "description": "any"},
    )

    assert told.status_code == 201
    assert (tmp_path / "served/statuses").read_text("utf-8") == f"{'a' * 40} staging-workload success\n"
