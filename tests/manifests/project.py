"""A copy of what Kustomize reads, with an installation of the tests' own.

So no test depends on what the files of values hold: a person fills them, and is to release.
"""

from __future__ import annotations

import atexit
import os
import runpy
import shutil
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from demo.run_folder import RunFolder, open_run_folder

ROOT: Final = Path(__file__).parents[2]
INSTALLATION: Final = "kustomize/installation/installation.yaml"
ENVIRONMENTS: Final = sorted(path.parts[-3] for path in ROOT.glob("kustomize/overlays/*/values/environment.yaml"))
CLUSTERS: Final = sorted(path.parts[-3] for path in ROOT.glob("kustomize/overlays/*/cluster/kustomization.yaml"))
"""The environments that have one of their own."""
FIRST: Final = {"production", "staging"}
"""Those that the project begins with."""
WITH_STAGING: Final = pytest.mark.skipif("staging" not in ENVIRONMENTS, reason="there is no staging")
RELEASE: Final = "kustomize/release/kustomization.yaml"
DIGEST: Final = f"sha256:{'1' * 64}"
COMMIT: Final = "2" * 40
INSTALLATIONS: Final = {path.name: path for path in sorted(Path(__file__).parent.glob("installations/*"))}
CHOSEN: Final = os.environ.get("INSTALLATION", "example")
"""Which of them everything is rendered with: `make test-installations` runs the tests with each of the others."""

FOLDERS: Final = ("kustomize", "argocd", "policies", "demo", ".github/e2e")
SHIPPED: Final = {
    "environment/workload": {
        "components": [f"../../components/{name}" for name in ("keda", "gateway-api", "collector")],
    },
    "overlays/*/foundation": {"resources": ["../values", "tenants"]},
    "overlays/*/workload": {"resources": ["../values"]},
}
"""What these folders list as they ship, of what an option changes."""
ON_FROM_THE_FIRST: Final = {"foundation": ["alerting", "watchdog"], "workload": ["observability"]}
"""The components that production lists as it ships, beside what it is made of: not without the Prometheus operator."""
_RELEASED: Final = runpy.run_path(str(ROOT / ".github/scripts/release_branch.py"))["rewritten"]


def values_of(environment: str) -> str:
    """The file of an environment's values."""
    return f"kustomize/overlays/{environment}/values/environment.yaml"


def install(installation: Path | None, to: Path) -> None:
    """Put the values of *installation* into the copy *to*: all that it has, of the environments that are there."""
    if installation is None:
        return
    shutil.copyfile(installation / "installation.yaml", to / INSTALLATION)
    for name in ENVIRONMENTS:
        if (installation / f"{name}.yaml").is_file():
            text = (installation / f"{name}.yaml").read_text("utf-8")
            if "staging" not in ENVIRONMENTS:  # somebody does without
                text = text.replace("follows: staging", "follows: none")
            (to / values_of(name)).write_text(text, "utf-8")


def copy_project(to: Path, *, installation: Path | None = INSTALLATIONS[CHOSEN], is_alone: bool = False) -> None:
    """What Kustomize reads of the project, as the release job leaves it, to play with.

    Args:
        to: An empty folder.
        installation: Whose values it has. None: those that are checked in.
        is_alone: Without the environments that *installation* says nothing of.
    """
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, to / folder, ignore=shutil.ignore_patterns("__pycache__"))
    install(installation, to)
    for name in ENVIRONMENTS:
        if is_alone and installation is not None and not (installation / f"{name}.yaml").is_file():
            shutil.rmtree(to / "kustomize/overlays" / name)
    release = to / RELEASE
    image = data(to / INSTALLATION)["image"]
    release.write_text(_RELEASED(release.read_text("utf-8"), image, DIGEST, COMMIT), "utf-8")


def take_away(environment: str, root: Path) -> None:
    """As docs/environments.md says under An environment less. *root* is a copy."""
    shutil.rmtree(root / "kustomize/overlays" / environment)
    for path in root.glob("kustomize/overlays/*/cluster/applications/environments.yaml"):
        lines = path.read_text("utf-8").splitlines(keepends=True)
        path.write_text("".join(line for line in lines if f"namespace: {environment}}}" not in line), "utf-8")


def copy_first_environments(to: Path) -> None:
    """`copy_project` without the environments that somebody has added: for tests that add some, maybe of the same names."""
    copy_project(to)
    for name in ENVIRONMENTS:
        if name not in FIRST:
            take_away(name, to)


def take_options_away(root: Path) -> None:
    """Leave in the copy *root* what ships: for tests of an option, which somebody may have taken already, or done without.

    Settings and other patches of an environment stay.
    """
    put_back(root)
    for pattern, lists in SHIPPED.items():
        for folder in (root / "kustomize").glob(pattern):
            path = folder / "kustomization.yaml"
            content = yaml.safe_load(path.read_text("utf-8"))
            kept = [each for each in content["components"] if is_shipped(each)]
            _write(path, {**content, "components": kept, **lists})
    for path in root.glob("kustomize/overlays/*/foundation/*-network.yaml"):
        path.unlink()


def put_back(root: Path) -> None:
    """List in the copy *root* what ships and somebody has done without, beside the options that are taken."""
    for part, components in ON_FROM_THE_FIRST.items():
        folder = f"kustomize/overlays/production/{part}"
        listed = (root / folder / "kustomization.yaml").read_text("utf-8")
        add_components(root, folder, *(each for each in components if f"/components/{each}\n" not in listed))
    path = root / "kustomize/environment/workload/kustomization.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    every = [f"../../components/{name}" for name in ("keda", "collector")]
    content["components"] += [each for each in every if each not in content["components"]]
    _write(path, content)


def add_components(root: Path, folder: str, *components: str) -> None:
    """List *components* in *folder* of the copy *root*, as their pages say: at the end, where the release stays the last."""
    path = root / folder / "kustomization.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    listed = content["components"]
    end = len(listed) - listed[-1].endswith("/release")
    listed[end:end] = [f"../../../components/{each}" for each in components]
    _write(path, content)


class _AsPeopleDo(yaml.SafeDumper):
    """Lists stand indented: the pages' commands look for them so."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.dump(content, Dumper=_AsPeopleDo, sort_keys=False), "utf-8")


def is_shipped(component: str) -> bool:
    """Whether an environment's folder lists *component*, a path, as it ships."""
    return "/components/" not in component or any(Path(component).name in each for each in ON_FROM_THE_FIRST.values())


@cache
def project(name: str = CHOSEN, *, has_options: bool = True) -> Path:
    """The folder of a copy with the installation *name*, and the options that it has: to read, not to change."""
    folder = _run().make_private_folder(Path(tempfile.gettempdir()))
    copy_project(folder, installation=INSTALLATIONS[name])
    if not has_options:
        take_options_away(folder)
    return folder


@cache
def _run() -> RunFolder:
    """Its folders end with this process, also when that is killed."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(open_run_folder(ROOT / ".demo"))


def data(path: Path) -> dict[str, Any]:
    """What the file of values at *path* sets."""
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))["data"]
    return found


def settings(name: str = CHOSEN) -> dict[str, Any]:
    """What the installation *name* sets for all environments, and for production."""
    return data(INSTALLATIONS[name] / "installation.yaml") | data(INSTALLATIONS[name] / "production.yaml")
