"""Whether each patch, replacement and image override of a kustomization changes anything: Kustomize itself stays silent
when a target matches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.manifests.rendering import RenderingFailed, render_text

TRANSFORMERS: Final = ("patches", "replacements", "images", "components", "labels")


def reachable(folder: Path) -> set[Path]:
    """The kustomization files that rendering *folder* reads, its own included."""
    path = folder.resolve() / "kustomization.yaml"
    if not path.exists():
        return set()
    found = {path}
    for entry in _resources(path):
        if (folder / entry).is_dir():
            found |= reachable(folder / entry)
    return found


def is_offline(folder: Path) -> bool:
    """Whether rendering *folder* fetches nothing."""
    return not any("https://" in resource for path in reachable(folder) for resource in _resources(path))


def _resources(path: Path) -> list[str]:
    content = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    return [*content.get("resources", []), *content.get("components", [])]


def entries(path: Path) -> Iterator[tuple[str, int, Any]]:
    """Each transforming entry of a kustomization file: its field, its place, itself."""
    content = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    for field in TRANSFORMERS:
        for place, entry in enumerate(content.get(field, [])):
            yield field, place, entry


def idle_entries(root: Path, folders: list[str]) -> list[str]:
    """The entries without which each of *folders* renders the same. *root* is a copy: its files are rewritten.

    A folder that can't be rendered without an entry needs it.
    """
    reads = {folder: reachable(root / folder) for folder in folders}
    # The smallest first: an entry is tried until one differs.
    before = {folder: render_text(folder, root=root) for folder in sorted(folders, key=lambda each: len(reads[each]))}
    idle = []
    for path in sorted({path for paths in reads.values() for path in paths}):
        original = path.read_text("utf-8")
        for field, place, entry in entries(path):
            content = yaml.load(original, yaml.CSafeLoader)
            del content[field][place]
            path.write_text(yaml.safe_dump(content), "utf-8")
            if not any(_differs(folder, before[folder], root) for folder in before if path in reads[folder]):
                idle.append(f"{path.relative_to(root.resolve())}: {field}[{place}] changes nothing: {entry}")
        path.write_text(original, "utf-8")
    return idle


def _differs(folder: str, before: str, root: Path) -> bool:
    try:
        return render_text(folder, root=root) != before
    except RenderingFailed:
        return True
