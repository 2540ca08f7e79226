"""A patch whose target matches nothing passes silently, so each is seen to change something."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml

from tests.manifests.changes import idle_entries
from tests.manifests.project import copy_project
from tests.manifests.test_rendering import FOLDERS

FOLDER: Final = "argocd/cluster-issuer"
"""One that renders quickly."""


def test_every_patch_replacement_and_component_changes_something(tmp_path: Path) -> None:
    copy_project(tmp_path)

    assert idle_entries(tmp_path, FOLDERS) == []


def test_a_patch_that_matches_nothing_is_found(tmp_path: Path) -> None:
    copy_project(tmp_path)
    path = tmp_path / FOLDER / "kustomization.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    patch = "- op: remove\n  path: /spec/replicas\n"
    content.setdefault("patches", []).append({"target": {"kind": "Deployment"}, "patch": patch})
    path.write_text(yaml.safe_dump(content), "utf-8")

    (found,) = idle_entries(tmp_path, [FOLDER])
    assert f"{FOLDER}/kustomization.yaml: patches[" in found
