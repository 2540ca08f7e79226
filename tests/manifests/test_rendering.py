"""Every overlay and combination of components renders, and its Applications don't get in each other's way."""

from __future__ import annotations

import re
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.manifests.capacity import over_quota
from tests.manifests.changes import is_offline
from tests.manifests.environment import unread_secrets, unset_variables
from tests.manifests.project import (
    ENVIRONMENTS,
    ROOT,
    add_components,
    copy_project,
    project,
    settings,
    take_options_away,
)
from tests.manifests.references import missing_references, provided
from tests.manifests.rendering import (
    FOUNDATION,
    PRODUCTION,
    SHARED,
    WORKLOAD,
    Object,
    containers,
    kustomizations,
    name_of,
    of_kind,
    parse,
    pod_templates,
    render,
    render_text,
)
from tests.manifests.validity import invalid
from tests.manifests.wiring import miswired
from tests.policies.admission import policies_in

COMPONENTS: Final = sorted(path.parent.as_posix() for path in kustomizations() if "components" in path.parts)
FOLDERS: Final = sorted(
    path.parent.as_posix()
    for path in kustomizations()
    if yaml.load((ROOT / path).read_text("utf-8"), yaml.CSafeLoader)["kind"] == "Kustomization"
    and path.parts[:2] not in {("kustomize", "base"), ("kustomize", "environment")}
    and is_offline(ROOT / path.parent)
)


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_renders_each_object_once(folder: str) -> None:
    names = Counter((*name_of(each), each["metadata"].get("namespace")) for each in render(folder))

    assert [name for name, times in names.items() if times > 1] == []


def test_the_two_applications_share_no_object() -> None:
    assert not {name_of(each) for each in render(FOUNDATION)} & {name_of(each) for each in render(WORKLOAD)}
    assert len(render(PRODUCTION)) == len(render(FOUNDATION)) + len(render(WORKLOAD))


def test_nothing_of_the_foundation_changes_its_name_with_its_content() -> None:
    names = {each["metadata"]["name"] for each in of_kind(render(FOUNDATION), "ConfigMap")}
    assert names - {"database-ca"} == {"instances", "smoke-results", "smoke-tenant", "tenants"}
    assert [each for each in of_kind(render(WORKLOAD), "ConfigMap") if each["metadata"]["name"] == "settings"] == []


DOORS: Final = ("gateway-api", "ingress-nginx")


@pytest.mark.parametrize(("door", "is_pod_identity"), list(product(DOORS, (False, True))))
def test_components_combine(tmp_path: Path, door: str, is_pod_identity: bool) -> None:
    _copy_what_ships(tmp_path)
    _edit(tmp_path / SHARED / "workload", "gateway-api", door)
    if is_pod_identity:
        add_components(tmp_path, FOUNDATION, "pod-identity")

    objects = parse(render_text(PRODUCTION, root=tmp_path))

    assert invalid(objects) == []
    assert miswired(objects) == []
    assert bool(of_kind(objects, "Ingress")) == (door == "ingress-nginx")
    assert bool(of_kind(objects, "Gateway")) == (door == "gateway-api")
    (store,) = of_kind(objects, "SecretStore")
    assert ("auth" in store["spec"]["provider"]["aws"]) != is_pod_identity


@pytest.mark.parametrize("component", ["collector", "keda", "observability"])
def test_a_component_can_be_left_out(tmp_path: Path, component: str) -> None:
    _copy_what_ships(tmp_path)
    if component == "observability":
        _edit(tmp_path / WORKLOAD, f"  - ../../../components/{component}\n", "")
    else:
        _edit(tmp_path / SHARED / "workload", f"  - ../../components/{component}\n", "")

    objects = parse(render_text(PRODUCTION, root=tmp_path))

    assert invalid(objects) == []
    assert miswired(objects) == []
    assert len(objects) < len(_what_ships())


def test_a_help_desk_on_premises_is_a_component_too(tmp_path: Path) -> None:
    objects = _production_with(tmp_path, "on-premises", folder=FOUNDATION)

    assert len(of_kind(objects, "NetworkPolicy")) == len(of_kind(_what_ships(), "NetworkPolicy")) + 1


def test_the_console_and_the_votes_are_components_too(tmp_path: Path) -> None:
    objects = _production_with(tmp_path, "console", "feedback")

    assert unset_variables(objects) == unread_secrets(objects) == []
    (route,) = (each for each in of_kind(objects, "HTTPRoute") if each["metadata"]["name"] == "ai-agents")
    published = [match["path"]["value"] for match in route["spec"]["rules"][0]["matches"]]
    assert published == ["/webhook", "/feedback", "/health"]
    lets_in = [
        policy["metadata"]["name"]
        for policy in of_kind(objects, "NetworkPolicy")
        if "console" in str(policy["spec"]["podSelector"]) and "Ingress" in policy["spec"]["policyTypes"]
    ]
    assert lets_in == [], "nothing in the cluster reaches the console"


def test_a_database_s_certificate_is_where_its_url_says_in_every_pod_that_connects(tmp_path: Path) -> None:
    _copy_what_ships(tmp_path)
    (tmp_path / "kustomize/components/database-ca/foundation/ca.pem").write_text("a certificate\n", "utf-8")
    add_components(tmp_path, WORKLOAD, "console", "database-ca/workload")
    add_components(tmp_path, FOUNDATION, "database-ca/foundation")

    foundation, workload = render(FOUNDATION, root=tmp_path), render(WORKLOAD, root=tmp_path)

    assert invalid([*foundation, *workload]) == []
    assert missing_references(workload, earlier=foundation) == []
    verify, connect = _to_the_database(workload)
    assert verify == connect
    assert len(verify) == 5


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_all_verify_the_database_or_none(environment: str) -> None:
    """A console that was listed after `database-ca/workload` was ready, and showed no page."""
    verify, connect = _to_the_database(render(f"kustomize/overlays/{environment}/workload"))

    assert verify in (set(), connect)


def _to_the_database(workload: list[Object]) -> tuple[set[str], set[str]]:
    """Whose pods have the authority's file, and whose connect."""
    verify, connect = set(), set()
    for owner, template in pod_templates(workload):
        name, (container, *_) = owner["metadata"]["name"], template["spec"]["containers"]
        if any("database" in each.get("secretRef", {}).get("name", "") for each in container.get("envFrom", [])):
            connect.add(name)
        if any(mount["mountPath"] == "/etc/ai-agents/database-ca" for mount in container["volumeMounts"]):
            verify.add(name)
    return verify, connect


def test_articles_from_git_are_checked_out_before_the_sync_and_their_lack_does_not_keep_it(tmp_path: Path) -> None:
    objects = _production_with(tmp_path, "knowledge")

    assert unset_variables(objects) == unread_secrets(objects) == []
    (sync,) = of_kind(objects, "CronJob")
    pod = sync["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (checkout,), (container,) = pod["initContainers"], pod["containers"]
    assert checkout["image"].partition("/")[0] == container["image"].partition("/")[0]
    root, link = (each["value"] for each in checkout["env"] if each["name"] in {"GITSYNC_ROOT", "GITSYNC_LINK"})
    assert {"name": "KNOWLEDGE_DIR", "value": f"{root}/{link}"} in container["env"]
    mounted = {each["name"]: each for each in container["volumeMounts"]}["knowledge"]
    assert mounted["mountPath"] == root
    assert mounted["readOnly"]
    assert "||" in checkout["command"][-1]
    assert checkout["envFrom"][0]["secretRef"]["optional"]
    assert len(of_kind(objects, "ExternalSecret")) == len(of_kind(_what_ships(), "ExternalSecret")) + 1


def test_a_failed_run_of_the_sync_is_there_until_the_next_and_no_alert_of_kube_prometheus() -> None:
    """Its rule `KubeJobFailed` tells of each failed Job that is there for 15 minutes, as long as it is there."""
    (sync,) = of_kind(render(PRODUCTION), "CronJob")
    assert sync["spec"]["schedule"] == "*/10 * * * *"
    assert 10 * 60 < sync["spec"]["jobTemplate"]["spec"]["ttlSecondsAfterFinished"] < 15 * 60


def test_who_calls_out_gets_the_proxy_and_nobody_else(tmp_path: Path) -> None:
    objects = _production_with(tmp_path, "console", "proxy")

    assert unread_secrets(objects) == []
    proxied = {
        owner["metadata"]["name"]
        for owner, template in pod_templates(objects)
        if any("'proxy'" in str(each) for each in template["spec"]["containers"][0].get("env", []))
    }
    assert proxied == {"ai-agents-worker", "ai-agents-console", "ai-agents-sync"}


def test_a_rotated_secret_restarts_who_has_it_in_its_environment_and_a_file_nobody(tmp_path: Path) -> None:
    """Reloader's `auto` means each Secret that a pod names, in its environment and as a file."""
    objects = _production_with(tmp_path, "console", "feedback", "proxy")

    for each in of_kind(objects, "Deployment"):
        annotations, template = each["metadata"]["annotations"], each["spec"]["template"]
        assert annotations["secret.reloader.stakater.com/auto"] == "true"
        excluded = set(annotations["secrets.exclude.reloader.stakater.com/reload"].split(","))
        assert excluded == {
            volume["secret"]["secretName"] for volume in template["spec"]["volumes"] if "secret" in volume
        }
        in_environment = {
            source[kind]["name"]
            for container in containers(template)
            for source in [
                *container.get("envFrom", []),
                *(variable.get("valueFrom", {}) for variable in container.get("env", [])),
            ]
            for kind in ("secretRef", "secretKeyRef")
            if kind in source
        }
        assert in_environment
        assert not in_environment & excluded


def test_each_secret_of_ours_reaches_the_pods_alone_that_need_it() -> None:
    reached: dict[str, set[str]] = {}
    objects = render(PRODUCTION)
    for owner, template in pod_templates(objects):
        for container in containers(template):
            for each in container.get("envFrom", []):
                if name := each.get("secretRef", {}).get("name"):
                    reached.setdefault(name, set()).add(owner["metadata"]["name"].removeprefix("ai-agents-"))

    needed = {
        "database-owner": {"migrate"},
        "database-intake": {"api"},
        "database-worker": {"worker", "sync", "console"},
        "redis": {"api", "worker", "sync", "console"},
        "openai": {"worker"},
        "console": {"console"},
        "knowledge": {"sync"},
    }
    there = {owner["metadata"]["name"].removeprefix("ai-agents-") for owner, _ in pod_templates(objects)}
    made = {name for kind, name in provided(objects) if kind == "Secret"}
    assert reached == {name: pods & there for name, pods in needed.items() if name in made}


def test_no_option_finds_a_container_by_its_place() -> None:
    """Another container before it, and the option would be another's."""
    found = [
        path for path in (ROOT / "kustomize/components").rglob("*.yaml") if "containers/0" in path.read_text("utf-8")
    ]

    assert found == []


def test_every_pod_of_ours_waits_for_a_node_that_runs_its_image(tmp_path: Path) -> None:
    for objects in (
        *(render(f"kustomize/overlays/{name}") for name in ENVIRONMENTS),
        _production_with(tmp_path, "console"),
    ):
        wanted = {
            owner["metadata"]["name"]: template["spec"].get("nodeSelector")
            for owner, template in pod_templates(objects)
        }
        assert wanted == {name: {"kubernetes.io/arch": "amd64"} for name in wanted}


def test_all_options_at_once_are_let_in_by_our_rules_and_fit_the_quota(tmp_path: Path) -> None:
    _copy_what_ships(tmp_path)
    (tmp_path / "kustomize/components/database-ca/foundation/ca.pem").write_text("a certificate\n", "utf-8")
    add_components(tmp_path, WORKLOAD, "knowledge", "console", "feedback", "vectors", "proxy", "database-ca/workload")
    add_components(tmp_path, FOUNDATION, "on-premises", "database-ca/foundation")

    foundation, workload = render(FOUNDATION, root=tmp_path), render(WORKLOAD, root=tmp_path)

    objects = [*foundation, *workload]
    assert invalid(objects) == miswired(objects) == missing_references(workload, earlier=foundation) == []
    refusals = [
        found for each in objects for policy in policies_in(render("policies")) for found in policy.objections(each)
    ]
    assert refusals == []
    assert over_quota(objects) == []


def test_vectors_are_made_where_tickets_are_read_and_enhanced(tmp_path: Path) -> None:
    objects = _production_with(tmp_path, "vectors")

    has = {
        owner["metadata"]["name"]
        for owner, template in pod_templates(objects)
        if {"name": "EMBEDDING_MODEL", "value": "minilm"} in template["spec"]["containers"][0].get("env", [])
    }
    assert has == {"ai-agents-worker", "ai-agents-sync"}


def _production_with(root: Path, *components: str, folder: str = WORKLOAD) -> list[Object]:
    """What ships with these components. What it renders to is valid, and its parts find each other."""
    _copy_what_ships(root)
    add_components(root, folder, *components)
    objects = parse(render_text(PRODUCTION, root=root))
    assert invalid(objects) == []
    assert miswired(objects) == []
    return objects


def _what_ships() -> list[Object]:
    return render(PRODUCTION, root=project(has_options=False))


def _copy_what_ships(root: Path) -> None:
    """The project without the options that somebody took: each of these tests takes those that it is about."""
    copy_project(root)
    take_options_away(root)


def _edit(folder: Path, old: str, new: str) -> None:
    path = folder / "kustomization.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_every_component_says_what_it_needs() -> None:
    assert COMPONENTS
    assert [folder for folder in COMPONENTS if not (ROOT / folder / "README.md").is_file()] == []


def test_whoever_keeps_an_ingress_is_told_what_needs_the_kinds_of_gateway_api() -> None:
    """Without them cert-manager ends at its start (its upgrade notes, 1.15)."""
    add_ons = ROOT / "argocd/applications/add-ons"
    assert "enableGatewayAPI: true" in (add_ons / "cert-manager.yaml").read_text("utf-8")
    needing = {path.stem for path in add_ons.glob("*.yaml") if re.search("(?i)gateway", path.read_text("utf-8"))}

    page = (ROOT / "kustomize/components/ingress-nginx/README.md").read_text("utf-8")
    assert [name for name in needing - {"kustomization"} if f"`{name}`" not in page] == []


def test_workers_scale_by_the_ledger_whatever_redis_says() -> None:
    """A Redis that fails over, is empty or is out must not change how many there are, nor fail a release."""
    (scaled,) = of_kind(render(WORKLOAD), "ScaledObject")

    assert [trigger["type"] for trigger in scaled["spec"]["triggers"]] == ["postgresql"]
    assert "fallback" not in scaled["spec"], "it would be the number of workers, in place of the one that is there"
    chosen = settings()
    counts = (scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"])
    assert counts == (int(chosen["workersMinimum"]), int(chosen["workersMaximum"]))
