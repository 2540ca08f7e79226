"""A first sync of an empty cluster, and a change: whatever a pod names is there when it starts."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.manifests.references import hook_faults, missing_references
from tests.manifests.rendering import APPLICATIONS, FOUNDATION, LOCAL, WORKLOAD, Object, hook_of, of_kind, render


def job(objects: list[Object], name: str) -> Any:
    return next(each for each in of_kind(objects, "Job") if each["metadata"]["name"] == name)


def test_production_finds_everything_on_its_first_sync() -> None:
    assert missing_references(render(FOUNDATION), earlier=[]) == []
    assert missing_references(render(WORKLOAD), earlier=render(FOUNDATION)) == []


def test_the_laptop_finds_everything() -> None:
    assert missing_references([_without_hook(each) for each in render(LOCAL)], earlier=[]) == []


def _without_hook(each: Object) -> Object:
    """As `kubectl apply` takes it: everything at once."""
    plain = deepcopy(each)
    plain["metadata"].get("annotations", {}).pop("argocd.argoproj.io/hook", None)
    return plain


def test_without_the_foundation_every_pod_waits_for_ever() -> None:
    problems = missing_references(render(WORKLOAD), earlier=[])

    assert "Job ai-agents-migrate starts before there is a Secret database-owner" in problems
    assert "Deployment ai-agents-api starts before there is a ServiceAccount app-sa" in problems


def test_a_hook_that_names_a_thing_of_its_own_sync_is_found() -> None:
    objects = deepcopy(render(WORKLOAD))
    settings = next(each for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"].startswith("settings"))
    name = settings["metadata"]["name"]
    container = job(objects, "ai-agents-migrate")["spec"]["template"]["spec"]["containers"][0]
    container.setdefault("envFrom", []).append({"configMapRef": {"name": name}})

    assert missing_references(objects, earlier=render(FOUNDATION)) == [
        f"Job ai-agents-migrate starts before there is a ConfigMap {name}"
    ]
    assert hook_faults(objects) == ["Job ai-agents-migrate names the settings, whose name changes with each change"]


def test_a_key_that_its_secret_lacks_is_found() -> None:
    foundation = deepcopy(render(FOUNDATION))
    secret = next(
        each for each in of_kind(foundation, "ExternalSecret") if each["metadata"]["name"] == "database-owner"
    )
    objects = deepcopy(render(WORKLOAD))
    container = job(objects, "ai-agents-migrate")["spec"]["template"]["spec"]["containers"][0]
    container["envFrom"] = []
    container["env"] = [
        {"name": "X", "valueFrom": {"secretKeyRef": {"name": secret["metadata"]["name"], "key": "NO_SUCH_KEY"}}}
    ]

    assert missing_references(objects, earlier=foundation) == [
        "Job ai-agents-migrate reads the key NO_SUCH_KEY that Secret database-owner lacks"
    ]


def test_every_hook_can_run_again_and_ends() -> None:
    hooks = [each for each in render(WORKLOAD) if hook_of(each)]

    assert {each["metadata"]["name"] for each in hooks} >= {"ai-agents-migrate", "ai-agents-smoke"}
    assert hook_faults(render(WORKLOAD)) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda each: each["spec"].pop("activeDeadlineSeconds"), "has no activeDeadlineSeconds"),
        (lambda each: each["spec"].update(ttlSecondsAfterFinished=60), "has a ttl"),
        (
            lambda each: each["metadata"]["annotations"].pop("argocd.argoproj.io/hook-delete-policy"),
            "the second sync would fail",
        ),
    ],
    ids=["no deadline", "ttl", "no delete policy"],
)
def test_a_hook_that_could_not_run_again_is_found(change: Any, problem: str) -> None:
    objects = deepcopy(render(WORKLOAD))
    change(job(objects, "ai-agents-smoke"))

    (found,) = hook_faults(objects)
    assert problem in found


@pytest.mark.parametrize("folder", [FOUNDATION, APPLICATIONS])
def test_a_secret_is_not_marked_as_its_external_secret_is(folder: str) -> None:
    """Without a template External Secrets (2.9.0) copies annotations, Argo CD's mark of an Application too, on a Secret
    that may be another's, which then, by Argo CD's source, is out of sync each hour.
    """
    assert [
        each["metadata"]["name"]
        for each in of_kind(render(folder), "ExternalSecret")
        if not each["spec"]["target"].get("template")
    ] == []
