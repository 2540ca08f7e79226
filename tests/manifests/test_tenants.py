"""Production deploys no client until one is added; the example of one, added as the page says, is served whole."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from app.cli.onboarding import secrets_prefix
from app.tenants import TenantDirectory
from app.tenants.secrets import SECRET_FILES, SECRET_OBJECTS, WEBHOOK_SECRET_FILES
from app.tenants.writing import SMOKE, is_list_stale
from tests.manifests.example_tenant import EXAMPLE_TENANT, TENANTS, add_example_tenant
from tests.manifests.project import ENVIRONMENTS, ROOT, copy_project
from tests.manifests.references import missing_references
from tests.manifests.rendering import (
    FOUNDATION,
    LOCAL,
    PRODUCTION,
    SHARED,
    WORKLOAD,
    Object,
    name_of,
    of_kind,
    pod_templates,
    render,
)
from tests.manifests.validity import invalid
from tests.manifests.wiring import miswired
from tests.policies.admission import policies_in

SECRETS_PREFIX: Final = secrets_prefix(ROOT / TENANTS)
PAGE: Final = (ROOT / "docs/clients.md").read_text("utf-8")


@pytest.fixture(params=["no client", "the example"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    copy_project(tmp_path)
    if request.param == "the example":
        add_example_tenant(tmp_path)
    return tmp_path


def files_of(root: Path, name: str) -> list[str]:
    """The files in the ConfigMap *name* of the foundation."""
    (found,) = (
        each for each in of_kind(render(FOUNDATION, root=root), "ConfigMap") if each["metadata"]["name"] == name
    )
    return sorted(found.get("data", {}))


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


def test_every_file_reaches_the_pods_that_need_it_and_no_edit_but_the_file_is_needed(root: Path) -> None:
    objects = render(WORKLOAD, root=root)
    folder = root / TENANTS

    assert files_of(root, "tenants") == sorted(path.name for path in folder.glob("*.yaml"))
    assert files_of(root, "instances") == sorted(path.name for path in (folder / "instances").glob("*.yaml"))
    assert files_of(root, "smoke-tenant") == ["smoke.yaml"]
    assert objects == render(WORKLOAD), "a client rolls no pod"
    for workload in ("ai-agents-api", "ai-agents-worker"):
        sources = volumes(objects, workload)["tenants"]["projected"]["sources"]
        assert sources == [{"configMap": {"name": "tenants"}}, {"configMap": {"name": "smoke-tenant"}}]
        assert volumes(objects, workload)["instances"] == {"name": "instances", "configMap": {"name": "instances"}}
    # The smoke test's help desk is there during that test alone: its sync would fail every ten minutes.
    assert volumes(objects, "ai-agents-sync")["tenants"] == {"name": "tenants", "configMap": {"name": "tenants"}}


def external(objects: list[Object]) -> dict[str, Any]:
    """What each ExternalSecret is to make."""
    return {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, "ExternalSecret")}


def picked(spec: Any) -> set[str]:
    """The keys of a secret in AWS that an ExternalSecret takes over."""
    (literal,) = (each["literal"] for each in spec["target"]["template"]["templateFrom"])
    (names,) = re.findall(r"pick \$values ([^|]+)\|", literal)
    return set(shlex.split(names))


def test_each_role_gets_what_it_needs_and_nothing_else(root: Path) -> None:
    secrets = external(render(FOUNDATION, root=root))

    api, worker = picked(secrets["tenant-secrets-api"]), picked(secrets["tenant-secrets-worker"])
    assert api == set(WEBHOOK_SECRET_FILES)
    assert api | worker == set(SECRET_FILES)
    assert not api & worker
    objects = render(PRODUCTION, root=root)
    mounted = {
        owner["metadata"]["name"]: {volume.get("secret", {}).get("secretName") for volume in pod["spec"]["volumes"]}
        for owner, pod in pod_templates(objects)
    }
    needed = {
        "ai-agents-api": {"tenant-secrets-api"},
        "ai-agents-worker": {"tenant-secrets-worker"},
        "ai-agents-sync": {"tenant-secrets-worker"},
        "ai-agents-smoke": {"smoke-tenant"},
        "ai-agents-console": {"tenant-secrets-worker"},  # an option
    }
    assert {name: found & {*secrets} for name, found in mounted.items() if found & {*secrets}} == {
        name: needed[name] for name in needed.keys() & mounted.keys()
    }


def test_a_secret_that_is_late_keeps_no_pod_from_starting(root: Path) -> None:
    for name in ("ai-agents-api", "ai-agents-worker", "ai-agents-sync"):
        assert volumes(render(WORKLOAD, root=root), name)["tenant-secrets"]["secret"]["optional"] is True


def test_secrets_are_found_by_their_names_as_the_commands_and_the_page_make_them(tmp_path: Path) -> None:
    for name, ending in (("tenant-secrets-api", ".webhook.json"), ("tenant-secrets-worker", ".help-desk.json")):
        (source,) = external(render(FOUNDATION))[name]["dataFrom"]
        find, (rewrite,) = source["find"], source["rewrite"]
        assert find["path"] == SECRETS_PREFIX
        # A name that can't be a key of a Secret would fail all: only what can be a slug is found.
        slugs = ("acme", "a-1", "x" * 40)
        assert all(re.fullmatch(find["name"]["regexp"], SECRETS_PREFIX + slug) for slug in slugs)
        for other in ("acme/old", "Acme", "acme.old", "x" * 41, ""):
            assert not re.fullmatch(find["name"]["regexp"], SECRETS_PREFIX + other)
        target = rewrite["regexp"]["target"].replace("$1", r"\1")
        assert re.sub(rewrite["regexp"]["source"], target, f"{SECRETS_PREFIX}acme") == f"acme{ending}"
        assert ending in SECRET_OBJECTS
    assert f"`{SECRETS_PREFIX}<slug>`" in (ROOT / "docs/deploy.md").read_text("utf-8")


def test_each_environment_has_its_clients_secrets_under_its_own_name() -> None:
    for name in ENVIRONMENTS:
        folder = f"kustomize/overlays/{name}/foundation"
        (source,) = external(render(folder))["tenant-secrets-api"]["dataFrom"]
        assert source["find"]["path"] == secrets_prefix(ROOT / folder / "tenants") == f"ai-agents/{name}/tenants/"


def test_the_list_of_files_is_that_of_the_folder() -> None:
    """`make tenants` mends it, after a file was added by hand or a merge brought two lists together."""
    folders = [f"kustomize/overlays/{name}/foundation/tenants" for name in ENVIRONMENTS]
    assert [folder for folder in (*folders, f"{LOCAL}/tenants") if is_list_stale(ROOT / folder)] == []


def test_two_hundred_clients_fit() -> None:
    """A ConfigMap and a Secret hold at most 1 MiB each."""
    account = (ROOT / EXAMPLE_TENANT / "foundation/tenants/globex.yaml").stat().st_size
    own = dict.fromkeys(SECRET_FILES, "x" * 70)
    assert 200 * (account + 100) < 1024 * 1024 / 10
    assert 1000 * (len(json.dumps(own)) + 50) < 1024 * 1024


def test_a_client_is_its_files_and_nothing_else(tmp_path: Path) -> None:
    """Whichever clients production has: what they add is in two ConfigMaps, so the tests hold for whoever has some."""
    copy_project(tmp_path)
    add_example_tenant(tmp_path)

    before, after = render(PRODUCTION), render(PRODUCTION, root=tmp_path)
    differing = [name_of(new) for old, new in zip(before, after, strict=True) if old != new]

    assert set(differing) <= {("ConfigMap", "tenants"), ("ConfigMap", "instances")}
    assert [each for each in render(LOCAL) if "acme" in str(each)], "the laptop keeps its own"


def test_the_page_leads_to_the_example() -> None:
    assert f"../{EXAMPLE_TENANT}" in PAGE.split("## Onboarding")[1].split("\n## ")[0]


@pytest.mark.parametrize(
    "folder", [*(f"kustomize/overlays/{name}/foundation" for name in ENVIRONMENTS), f"{EXAMPLE_TENANT}/foundation"]
)
def test_tenants_files_can_be_served_together(tmp_path: Path, folder: str) -> None:
    """On the pull request that adds one: a second file for one help desk, or with another's id, is refused there."""
    files = tmp_path / "files"
    shutil.copytree(ROOT / folder / "tenants", files)
    assert not list(files.rglob(f"{SMOKE}.yaml")), (
        "in the pods it would be hidden by the smoke test's, whose secret it has"
    )
    shutil.copy(ROOT / SHARED / "foundation/smoke-tenant/smoke.yaml", files)
    tenants = TenantDirectory(files, tmp_path)
    assert tenants.refresh() == []

    first = min(files.glob("*.yaml"))
    (files / "zz.yaml").write_text(first.read_text("utf-8").replace(f"slug: {first.stem}", "slug: zz"))
    assert [problem.slug for problem in tenants.refresh()] == ["zz"]
