"""An Application deploys only what its project allows, from where and to where it allows."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.manifests.applications import applications
from tests.manifests.project import ROOT
from tests.manifests.rendering import APPLICATIONS, ROOT_OF_CLUSTER, Object, of_kind, render

DECLARED = [*render(ROOT_OF_CLUSTER), *render(APPLICATIONS)]
# Those that have no namespace; of the kinds that we deploy ourselves.
CLUSTER_SCOPED = {
    "ClusterIssuer",
    "GatewayClass",
    "ImageValidatingPolicy",
    "Namespace",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


def projects() -> dict[str, Object]:
    return {each["metadata"]["name"]: each["spec"] for each in of_kind(DECLARED, "AppProject")}


def sources(application: Object) -> list[Object]:
    spec = application["spec"]
    found: list[Object] = spec["sources"] if "sources" in spec else [spec["source"]]
    return found


def forbidden(objects: list[Object], project: Object) -> list[str]:
    """The kinds among *objects* that *project* does not let through."""
    found = set()
    for each in objects:
        group = each["apiVersion"].rpartition("/")[0]
        field = "clusterResourceWhitelist" if each["kind"] in CLUSTER_SCOPED else "namespaceResourceWhitelist"
        allowed = {(entry["group"], entry["kind"]) for entry in project[field]}
        if not {(group, each["kind"]), ("*", "*")} & allowed:
            found.add(f"{group}/{each['kind']}")
    return sorted(found)


APPLICATION = pytest.mark.parametrize(
    "application",
    [*of_kind(render(ROOT_OF_CLUSTER), "Application"), *applications()],
    ids=lambda each: each["metadata"]["name"],
)


@APPLICATION
def test_an_application_comes_from_and_goes_where_its_project_allows(application: Object) -> None:
    project = projects()[application["spec"]["project"]]

    assert {source["repoURL"] for source in sources(application)} <= set(project["sourceRepos"])
    assert application["spec"]["destination"]["namespace"] in {each["namespace"] for each in project["destinations"]}


@APPLICATION
def test_what_it_renders_from_this_repository_is_of_kinds_that_its_project_allows(application: Object) -> None:
    project = projects()[application["spec"]["project"]]
    paths = [source["path"] for source in sources(application) if "path" in source and "chart" not in source]

    for path in paths:
        assert (ROOT / path / "kustomization.yaml").is_file(), path
        if path != "argocd/bootstrap/argo-cd":  # fetched by the cluster
            assert forbidden(render(path), project) == []


def test_a_kind_that_nobody_allowed_is_found() -> None:
    project = deepcopy(projects()["ai-agents"])
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "x"}}

    assert forbidden([secret, role], project) == ["/Secret", "rbac.authorization.k8s.io/ClusterRole"]
