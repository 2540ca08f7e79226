"""Portals from a folder: `<slug>/portal.yaml`, and beside it `tickets.yaml`, `articles.yaml` and `assets.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    portals = {portal.slug: portal for portal in (_load_portal(path.parent) for path in found)}
    for path in sorted(folder.glob("*/account.yaml")):
        _load_account(path, portals)
    return list(portals.values())


def _load_account(path: Path, portals: Mapping[str, Portal]) -> None:
    """Add what the folder of an `account.yaml` holds to the portal that it names, as that account's."""
    account = _read(path)
    portal = portals.get(str(account.get("portal"))) if isinstance(account, dict) else None
    if portal is None or not account.get("id"):
        raise SampleInvalid(f"{path}: must name a portal of this folder, and the account's id")
    account_id = str(account["id"])
    portal.accounts[account_id] = str(account.get("name") or account_id)
    _fill(portal, path.parent, account_id)


def _load_portal(folder: Path) -> Portal:
    path = folder / "portal.yaml"
    options = _read(path)
    if not isinstance(options, dict):
        raise SampleInvalid(f"{path}: must be an object")
    try:
        portal = Portal(**{**options, "edition": Edition(str(options.get("edition")))})
    except (TypeError, ValueError) as error:
        raise SampleInvalid(f"{path}: {error}") from None
    _fill(portal, folder, "")
    return portal


def _fill(portal: Portal, folder: Path, account_id: str) -> None:
    """Add the tickets, articles and assets of *folder*; without an account they keep what they say themselves."""
    own: dict[str, Any] = {"account": account_id} if account_id else {}
    shared: dict[str, Any] = {"accounts": [account_id]} if account_id else {}
    for name, add, of_account in (
        ("tickets", portal.add_ticket, own),
        ("articles", portal.add_article, shared),
        ("assets", portal.add_asset, own),
    ):
        for number, entry in enumerate(_entries(folder / f"{name}.yaml"), start=1):
            try:
                add(**{**entry, **of_account})
            except (TypeError, ValueError) as error:
                raise SampleInvalid(f"{folder / name}.yaml: entry {number}: {error}") from None


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
