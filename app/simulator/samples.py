"""Portals from a folder: `<slug>/portal.yaml`, and beside it `tickets.yaml`, `articles.yaml` and `assets.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from app.core.help_desk import Edition
from app.simulator.portal import Portal


class SampleInvalid(Exception):
    """A sample file can't be used; the text names the file and the entry."""


def load_portals(folder: Path) -> list[Portal]:
    """The portals below *folder*, in the order of their slugs.

    Raises:
        SampleInvalid: A file is missing or wrong.
    """
    found = sorted(folder.glob("*/portal.yaml"))
    if not found:
        raise SampleInvalid(f"{folder}: holds no <slug>/portal.yaml")
    return [_load_portal(path.parent) for path in found]


def _load_portal(folder: Path) -> Portal:
    path = folder / "portal.yaml"
    options = _read(path)
    if not isinstance(options, dict):
        raise SampleInvalid(f"{path}: must be an object")
    try:
        portal = Portal(**{**options, "edition": Edition(str(options.get("edition")))})
    except (TypeError, ValueError) as error:
        raise SampleInvalid(f"{path}: {error}") from None
    for name, add in (("tickets", portal.add_ticket), ("articles", portal.add_article), ("assets", portal.add_asset)):
        for number, entry in enumerate(_entries(folder / f"{name}.yaml"), start=1):
            try:
                add(**entry)
            except (TypeError, ValueError) as error:
                raise SampleInvalid(f"{folder / name}.yaml: entry {number}: {error}") from None
    return portal


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    entries = _read(path) if path.exists() else []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SampleInvalid(f"{path}: must be a list of objects")
    for entry in entries:
        # YAML reads some texts as times, and an empty value as None.
        yield {key: _plain(value) for key, value in entry.items() if value is not None}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SampleInvalid(f"{path}: {error}") from None
