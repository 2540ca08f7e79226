"""What Kustomize makes of a folder, as objects."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.manifests.project import ROOT, project

KUBECTL: Final = Path(sysconfig.get_path("scripts")) / "kubectl"

Object = dict[str, Any]

FOUNDATION: Final = "kustomize/overlays/production/foundation"
WORKLOAD: Final = "kustomize/overlays/production/workload"
SHARED: Final = "kustomize/environment"
PRODUCTION: Final = "kustomize/overlays/production"
ROOT_OF_CLUSTER: Final = "kustomize/overlays/production/cluster"
APPLICATIONS: Final = "kustomize/overlays/production/cluster/applications"
LOCAL: Final = "kustomize/overlays/local"


class RenderingFailed(Exception):
    """Kustomize's own words."""


def render_text(folder: str, *, root: Path | None = None) -> str:
    """The YAML of *folder*, which is relative to *root*: the project with the tests' installation, if not another."""
    result = subprocess.run(
        [KUBECTL, "kustomize", (root or project()) / folder],
        env={**os.environ, "GOGC": "off"},  # it ends before freeing memory pays: a quarter of its CPU time
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if result.returncode or result.stderr:
        raise RenderingFailed(result.stderr)
    return result.stdout


@cache
def render(folder: str, *, root: Path | None = None) -> list[Object]:
    """The objects of *folder*. Rendered once: whoever changes one copies it first."""
    return parse(render_text(folder, root=root))


def parse(text: str) -> list[Object]:
    """The objects that *text* holds, by libyaml: the parser in Python takes a second for what production is."""
    return [each for each in yaml.load_all(text, Loader=yaml.CSafeLoader) if each]


def name_of(each: Object) -> tuple[str, str]:
    return each["kind"], each["metadata"]["name"]


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    return [each for each in objects if each["kind"] in kinds]


def pod_templates(objects: list[Object]) -> Iterator[tuple[Object, Object]]:
    """Each object that makes pods, with its pod template."""
    for each in objects:
        if each["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job"}:
            yield each, each["spec"]["template"]
        elif each["kind"] == "CronJob":
            yield each, each["spec"]["jobTemplate"]["spec"]["template"]


def containers(template: Object) -> list[Object]:
    """All containers of a pod, the native sidecars and other init containers included."""
    spec = template["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def hook_of(each: Object) -> str | None:
    phase: str | None = each["metadata"].get("annotations", {}).get("argocd.argoproj.io/hook")
    return phase


def kustomizations() -> list[Path]:
    """Every kustomization file of the project, relative to its root."""
    return sorted(
        path.relative_to(ROOT)
        for folder in ("kustomize", "argocd", "policies")
        for path in (ROOT / folder).rglob("kustomization.yaml")
    )
