"""What differs per installation stands in one file, whatever legal values it holds."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Final

import pytest

from tests.manifests.project import INSTALLATION, INSTALLATIONS, ROOT, copy_project, settings
from tests.manifests.rendering import PRODUCTION, Object, render, render_text
from tests.manifests.validity import invalid
from tests.manifests.wiring import miswired
from tests.policies.admission import policies_in

CHECK: Final = runpy.run_path(str(ROOT / "kustomize/installation/check.py"))
FILLED: Final = sorted(set(INSTALLATIONS) - {"unset"})
# All that is synced, and the root.
DEPLOYED: Final = (
    PRODUCTION,
    "argocd/applications",
    "argocd/bootstrap/root",
    "argocd/cluster-issuer",
    "argocd/gateway-class",
    "policies",
)
EVERY: Final = {**INSTALLATIONS, "what is checked in": ROOT / INSTALLATION}


def deployed(to: Path, installation: Path) -> list[Object]:
    copy_project(to, installation=installation)
    return [each for folder in DEPLOYED for each in render(folder, root=to)]


@pytest.mark.parametrize("name", EVERY)
def test_whatever_is_installed_renders_to_what_the_api_server_and_our_rules_take(tmp_path: Path, name: str) -> None:
    objects = deployed(tmp_path, EVERY[name])

    assert invalid(objects) == []
    production = render(PRODUCTION, root=tmp_path)
    assert miswired(production) == []
    rules = policies_in(render("policies", root=tmp_path))
    # An unset release names no image of ours yet.
    assert [found for each in production for rule in rules for found in rule.objections(each)] == []


@pytest.mark.parametrize("name", FILLED)
def test_a_filled_installation_leaves_nothing_unset(tmp_path: Path, name: str) -> None:
    assert CHECK["problems"](INSTALLATIONS[name]) == []

    copy_project(tmp_path, installation=INSTALLATIONS[name])
    text = "\n---\n".join(render_text(folder, root=tmp_path) for folder in DEPLOYED)
    assert "set-by-installation" not in text
    for key, value in settings(INSTALLATIONS[name]).items():
        assert key == "databaseMaxConnections" or value in text, f"{key} reaches no object"


def test_each_installation_sets_what_the_projects_own_does() -> None:
    own = list(settings(ROOT / INSTALLATION))

    assert {name: list(settings(path)) for name, path in INSTALLATIONS.items()} == dict.fromkeys(INSTALLATIONS, own)


def test_what_is_unset_is_named() -> None:
    named = [text.partition(" ")[0] for text in CHECK["problems"](INSTALLATIONS["unset"])]

    example, unset = settings(INSTALLATIONS["example"]), settings(INSTALLATIONS["unset"])
    assert named == [key for key in unset if example[key] != unset[key]]


def test_an_action_that_admission_does_not_know_is_named(tmp_path: Path) -> None:
    path = tmp_path / "installation.yaml"
    text = INSTALLATIONS["example"].read_text("utf-8")
    path.write_text(text.replace("unsignedImages: Audit", "unsignedImages: deny"), "utf-8")

    assert CHECK["problems"](path) == ["unsignedImages must be one of Audit, Deny"]


def test_a_receiver_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "installation.yaml"
    text = INSTALLATIONS["example"].read_text("utf-8")
    for spoilt in ("alertReceiver: carrier-pigeon", "another: value"):
        path.write_text(text.replace("alertReceiver: slack", spoilt), "utf-8")
        assert CHECK["problems"](path) == ["alertReceiver must be one of slack, pagerduty, webhook"]
