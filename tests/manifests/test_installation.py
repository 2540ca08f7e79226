"""What differs per installation and environment stands in files of values, whatever legal ones they hold."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Final

import pytest

from tests.manifests.project import ENVIRONMENTS, INSTALLATION, INSTALLATIONS, ROOT, copy_project, data, values_of
from tests.manifests.rendering import APPLICATIONS, ROOT_OF_CLUSTER, Object, render, render_text
from tests.manifests.validity import invalid
from tests.manifests.wiring import miswired
from tests.policies.admission import policies_in

CHECK: Final = runpy.run_path(str(ROOT / "kustomize/installation/check.py"))
FILLED: Final = sorted(set(INSTALLATIONS) - {"unset"})
# All that is synced, and the root.
OVERLAYS: Final = tuple(f"kustomize/overlays/{name}" for name in ENVIRONMENTS)
DEPLOYED: Final = (
    *OVERLAYS,
    APPLICATIONS,
    ROOT_OF_CLUSTER,
    "argocd/cluster-issuer",
    "argocd/gateway-class",
    "policies",
)
EVERY: Final[dict[str, Path | None]] = {**INSTALLATIONS, "what is checked in": None}
# Read by the pipeline, or by a test, and not by Kustomize.
NOT_RENDERED: Final = {"follows", "approver", "databaseMaxConnections"}


def deployed(to: Path, installation: Path | None) -> list[Object]:
    copy_project(to, installation=installation)
    return [each for folder in DEPLOYED for each in render(folder, root=to)]


@pytest.mark.parametrize("name", EVERY)
def test_whatever_is_installed_renders_to_what_the_api_server_and_our_rules_take(tmp_path: Path, name: str) -> None:
    objects = deployed(tmp_path, EVERY[name])

    assert invalid(objects) == []
    rules = policies_in(render("policies", root=tmp_path))
    for overlay in OVERLAYS:
        environment = render(overlay, root=tmp_path)
        assert miswired(environment) == []
        # An unset release names no image of ours yet.
        assert [found for each in environment for rule in rules for found in rule.objections(each)] == []


def values(root: Path) -> dict[str, dict[str, str]]:
    """What each file of values sets, by its path."""
    paths = (INSTALLATION, *map(values_of, ENVIRONMENTS))
    return {path: data(root / path) for path in paths if (root / path).is_file()}


@pytest.mark.parametrize("name", FILLED)
def test_a_filled_installation_leaves_nothing_unset(tmp_path: Path, name: str) -> None:
    copy_project(tmp_path, installation=INSTALLATIONS[name], is_alone=True)
    assert CHECK["problems"](tmp_path / "kustomize") == []

    folders = [folder for folder in DEPLOYED if (tmp_path / folder).is_dir()]
    text = "\n---\n".join(render_text(folder, root=tmp_path) for folder in folders)
    assert not re.search("set-by-(installation|environment)", text)
    for path, found in values(tmp_path).items():
        for key, value in found.items():
            assert key in NOT_RENDERED or value in text, f"{key} of {path} reaches no object"


def test_each_installation_sets_what_the_projects_own_does(tmp_path: Path) -> None:
    own = {path: list(found) for path, found in values(ROOT).items()}
    for name, path in INSTALLATIONS.items():
        copy_project(tmp_path / name, installation=path)
        assert {path: list(found) for path, found in values(tmp_path / name).items()} == own


def test_what_is_unset_is_named(tmp_path: Path) -> None:
    for name in ("unset", "example"):
        copy_project(tmp_path / name, installation=INSTALLATIONS[name], is_alone=True)
    unset, example = values(tmp_path / "unset"), values(tmp_path / "example")
    named = {text.partition(" is ")[0] for text in CHECK["problems"](tmp_path / "unset/kustomize")}

    assert named == {
        f"{'installation.yaml' if path == INSTALLATION else path.removeprefix('kustomize/').split('/values')[0]}: {key}"
        for path, found in unset.items()
        for key in found
        if example[path][key] != found[key]
    }


def test_mail_needs_its_address_server_and_user(tmp_path: Path) -> None:
    copy_project(tmp_path, installation=INSTALLATIONS["example"], is_alone=True)
    path = tmp_path / INSTALLATION
    path.write_text(path.read_text("utf-8").replace("alertReceiver: slack", "alertReceiver: email"), "utf-8")

    assert [text.partition(": ")[2] for text in CHECK["problems"](tmp_path / "kustomize")] == [
        f"{key} is unset" for key in ("alertEmail", "alertEmailServer", "alertEmailUser")
    ]


@pytest.mark.parametrize(
    ("path", "key", "line", "problem"),
    [
        (INSTALLATION, "unsignedImages", "unsignedImages: deny", "unsignedImages must be one of Audit, Deny"),
        (INSTALLATION, "alertReceiver", "alertReceiver: carrier-pigeon", "alertReceiver must be one of slack"),
        (INSTALLATION, "alertReceiver", "another: value", "alertReceiver must be one of slack"),
        (values_of("production"), "follows", "follows: stagin", "follows must be one of none"),
        (values_of("production"), "follows", "follows: production", "follows must be one of none"),
        (values_of("production"), "environment", "environment: prod", "environment must be production"),
        (values_of("production"), "workersMinimum", 'workersMinimum: "30"', "workersMinimum must be from 1 to"),
    ],
)
def test_a_value_that_means_nothing_is_named(tmp_path: Path, path: str, key: str, line: str, problem: str) -> None:
    copy_project(tmp_path, installation=INSTALLATIONS["example"], is_alone=True)
    text, count = re.subn(rf"^  {key}: .*$", f"  {line}", (tmp_path / path).read_text("utf-8"), flags=re.MULTILINE)
    assert count == 1
    (tmp_path / path).write_text(text, "utf-8")

    (found,) = CHECK["problems"](tmp_path / "kustomize")
    assert problem in found
