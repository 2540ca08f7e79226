"""A copy of what Kustomize reads, with an installation of the tests' own.

So no test depends on what kustomize/installation/installation.yaml holds: a person fills it, and is to release.
"""

from __future__ import annotations

import atexit
import os
import runpy
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
INSTALLATION: Final = "kustomize/installation/installation.yaml"
RELEASE: Final = "kustomize/release/kustomization.yaml"
DIGEST: Final = f"sha256:{'1' * 64}"
INSTALLATIONS: Final = {path.stem: path for path in sorted(Path(__file__).parent.glob("installations/*.yaml"))}
CHOSEN: Final = os.environ.get("INSTALLATION", "example")
"""Which of them everything is rendered with: `make test-installations` runs the tests with each of the others."""

FOLDERS: Final = ("kustomize", "argocd", "policies", "demo", ".github/e2e")
_RELEASED: Final = runpy.run_path(str(ROOT / ".github/scripts/release_branch.py"))["rewritten"]


def copy_project(to: Path, *, installation: Path = INSTALLATIONS[CHOSEN]) -> None:
    """What Kustomize reads of the project, as the release job leaves it, to play with."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, to / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(installation, to / INSTALLATION)
    release = to / RELEASE
    release.write_text(_RELEASED(release.read_text("utf-8"), settings(installation)["image"], DIGEST), "utf-8")


@cache
def project(name: str = CHOSEN) -> Path:
    """The folder of a copy with the installation *name*: to read, not to change."""
    folder = tempfile.TemporaryDirectory(prefix="ai-agents-project-")
    atexit.register(folder.cleanup)
    copy_project(Path(folder.name), installation=INSTALLATIONS[name])
    return Path(folder.name)


def settings(path: Path = INSTALLATIONS[CHOSEN]) -> dict[str, Any]:
    """What the installation at *path* sets."""
    data: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))["data"]
    return data
