"""Production deploys no client until one is added; the example of one, added as the page says, is served whole."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from app.core.tenant import Tenant
from app.tenants import TenantDirectory, read_tenant
from tests.manifests.example_tenant import EXAMPLE_TENANT, add_example_tenant
from tests.manifests.project import ROOT, copy_project
from tests.manifests.references import missing_references
from tests.manifests.rendering import FOUNDATION, LOCAL, PRODUCTION, WORKLOAD, Object, of_kind, render
from tests.manifests.validity import invalid
from tests.manifests.wiring import miswired
from tests.policies.admission import policies_in

OURS: Final = "smoke"
PAGE: Final = (ROOT / "docs/deploy.md").read_text("utf-8")


@pytest.fixture(params=["no client", "the example"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    copy_project(tmp_path)
    if request.param == "the example":
        add_example_tenant(tmp_path)
    return tmp_path


def slugs_of(root: Path) -> list[str]:
    (tenants,) = of_kind(render(FOUNDATION, root=root), "ConfigMap")
    return sorted(file.removesuffix(".yaml") for file in tenants["data"])


def volumes(objects: list[Object], name: str) -> dict[str, Any]:
    """The volumes of the pods that *name* makes, by their names."""
    (owner,) = (each for each in of_kind(objects, "Deployment", "CronJob") if each["metadata"]["name"] == name)
    spec = owner["spec"]["jobTemplate"]["spec"] if owner["kind"] == "CronJob" else owner["spec"]
    return {volume["name"]: volume for volume in spec["template"]["spec"]["volumes"]}


def test_production_is_sound_without_a_client_and_with_one(root: Path) -> None:
    objects = render(PRODUCTION, root=root)

    assert invalid(objects) == []
    assert miswired(objects) == []
    assert missing_references(render(WORKLOAD, root=root), earlier=render(FOUNDATION, root=root)) == []
    rules = policies_in(render("policies", root=root))
    assert [found for each in objects for rule in rules for found in rule.objections(each)] == []


def test_tenants_files_are_good_and_each_has_its_secrets(root: Path) -> None:
    secrets = {each["metadata"]["name"]: each for each in of_kind(render(FOUNDATION, root=root), "ExternalSecret")}
    slugs = slugs_of(root)

    for slug in slugs:
        assert isinstance(read_tenant(root / FOUNDATION / f"tenants/{slug}.yaml"), Tenant)
        api = secrets[f"tenant-{slug}-api"]["spec"]["target"]["template"]["data"]
        worker = secrets[f"tenant-{slug}-worker"]["spec"]["target"]["template"]["data"]
        assert set(api) == {"webhook_secret", "webhook_secret_previous"}
        assert not set(api) & set(worker)
    for workload, side in (("ai-agents-api", "api"), ("ai-agents-worker", "worker")):
        projected = volumes(render(WORKLOAD, root=root), workload)["tenant-secrets"]["projected"]
        sources = [source["secret"] for source in projected["sources"]]
        assert sorted(source["name"] for source in sources) == [f"tenant-{slug}-{side}" for slug in slugs]
        assert all(source["optional"] for source in sources)
        for source in sources:
            assert {item["key"] for item in source["items"]} == set(
                secrets[source["name"]]["spec"]["target"]["template"]["data"]
            )


def test_the_sync_reads_clients_alone(root: Path) -> None:
    """The smoke test's help desk is there during that test alone: its sync would fail every ten minutes."""
    mounted = volumes(render(WORKLOAD, root=root), "ai-agents-sync")
    clients = [slug for slug in slugs_of(root) if slug != OURS]

    assert "configMap" not in mounted["tenants"], "an empty list of a ConfigMap's items mounts all of them"
    files = [
        item["path"] for source in mounted["tenants"]["projected"]["sources"] for item in source["configMap"]["items"]
    ]
    secrets = [source["secret"]["name"] for source in mounted["tenant-secrets"]["projected"]["sources"]]
    assert files == [f"{slug}.yaml" for slug in clients]
    assert secrets == [f"tenant-{slug}-worker" for slug in clients]


def test_production_ships_without_a_client() -> None:
    """A secret that nobody made in AWS leaves its ExternalSecret failed for ever."""
    assert list((ROOT / FOUNDATION / "tenants").glob("acme*")) == []
    assert [each for each in render(PRODUCTION) if "acme" in str(each)] == []
    assert [each for each in render(LOCAL) if "acme" in str(each)], "the laptop keeps its own"


def test_the_page_names_every_file_of_the_example() -> None:
    onboarding = PAGE.split("### Onboarding")[1].split("\n### ")[0]
    files = {path.relative_to(ROOT / EXAMPLE_TENANT) for path in (ROOT / EXAMPLE_TENANT).rglob("*.yaml")}

    assert f"../{EXAMPLE_TENANT}" in onboarding
    for path in files:
        folder = re.escape(path.parent.as_posix().replace("acme", "<slug>"))
        assert re.search(folder, onboarding), path


def test_tenants_files_can_be_served_together(root: Path, tmp_path: Path) -> None:
    """On the pull request that adds one: a second file for one help desk, or with another's id, is refused there."""
    files = tmp_path / "files"
    shutil.copytree(root / FOUNDATION / "tenants", files)
    tenants = TenantDirectory(files, tmp_path)
    assert tenants.refresh() == []

    first = min(files.glob("*.yaml"))
    (files / "zz.yaml").write_text(first.read_text("utf-8").replace(f"slug: {first.stem}", "slug: zz"))
    assert [problem.slug for problem in tenants.refresh()] == ["zz"]
