"""Writes and removes the files of tenants and instances, each in a file of its own, as they are reviewed in Git.

Invariant: what is written is valid as a whole and can be served beside what is there; no file is overwritten.

Kustomize makes a ConfigMap of files that are named, not of a folder. So the folder in the cluster's repository has a
file `Kustomization` with their names, which is written anew after each change. A folder without it has no such list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import yaml

from app.core.help_desk import Edition
from app.errors import TenantFileInvalid
from app.tenants import TenantDirectory
from app.tenants.files import parse_instance, parse_tenant, read_values

LIST_FILE: Final = "Kustomization"
"""Without the ending `.yaml`, which in this folder is a tenant's."""
SMOKE: Final = "smoke"
"""The smoke test's own tenant in each environment: its file stands beside these in the pods, and its secret in AWS."""

_HEAD: Final = """\
# Written by `ai-agents tenants add`, `remove` and `index` (`make tenants`), never by hand: Kustomize takes names alone.
"""


_PORTAL: Final = re.compile(r"/app/[^/]+")


def _check_address(edition: str, url: str) -> None:
    """Refuse what a person copies from a browser: the API is below another address than the pages.

    Raises:
        TenantFileInvalid: The address is a page's, or the API's own.
    """
    path = urlsplit(url.strip()).path.rstrip("/")
    if path.endswith("/api/v3"):
        raise TenantFileInvalid("servicedesk.url: must end before /api/v3, which is added", field="servicedesk.url")
    if Edition(edition).is_cloud and path.startswith("/app/") and not _PORTAL.fullmatch(path):
        raise TenantFileInvalid(
            "servicedesk.url: must end after the portal's name, e.g."
            " https://sdpondemand.manageengine.com/app/itdesk: what follows is the address of a page",
            field="servicedesk.url",
        )
    if not Edition(edition).is_cloud and (path.startswith("/app/") or path.endswith((".do", ".jsp", ".html"))):
        raise TenantFileInvalid(
            "servicedesk.url: must end after host and port on premises, e.g. https://sdp.acme.example:8443; of several"
            " portals the file names ours by headers: {PORTALID: …}",
            field="servicedesk.url",
        )


def add_tenant(folder: Path, directory: TenantDirectory, *, slug: str, tenant_id: UUID, **answers: Any) -> Path:
    """Write the file of a new tenant: of one with its own help desk with all settings, of an account what it needs.

    *folder* is `TENANTS_DIR`. *answers*: `name`; for an account of an instance `instance`, `account` and `account_name`
    (one of the two may be None); else `edition`, `url`, `accounts_url`, `technician`, `allow_private_address`;
    `webhook_auth`.

    Raises:
        TenantFileInvalid: The answers are not valid, the tenant would clash with another, or the file exists.
    """
    if answers.get("instance"):
        account = {"id": answers.get("account"), "name": answers.get("account_name")}
        desk: dict[str, Any] = {
            "instance": answers["instance"],
            "account": {key: value for key, value in account.items() if value},
        }
    else:
        desk = _given(answers, "edition", "url", "accounts_url", "technician", "allow_private_address")
        _check_address(answers["edition"], answers["url"])
    values: dict[str, Any] = {"id": str(tenant_id), "slug": slug, "name": answers["name"], "servicedesk": desk}
    if answers.get("webhook_auth"):
        values["webhook"] = {"auth": answers["webhook_auth"]}
    _refuse_existing(folder, slug)
    tenant = parse_tenant(values, directory.instances)
    clash = directory.find_clash(tenant)
    if clash is not None:
        raise TenantFileInvalid(f"{slug}: {clash}")
    if not answers.get("instance"):
        values = tenant.model_dump(mode="json", exclude_none=True)
        values["events"] = sorted(values["events"])
    return _write(folder, slug, values)


def add_instance(folder: Path, directory: TenantDirectory, *, name: str, instance_id: UUID, **answers: Any) -> Path:
    """Write the file of a new instance with all settings; *folder* is `INSTANCES_DIR`, otherwise as `add_tenant`."""
    keys = ("edition", "url", "accounts_url", "technician", "account_field", "allow_private_address")
    values: dict[str, Any] = {"id": str(instance_id), "name": name, **_given(answers, *keys)}
    if answers.get("webhook_auth"):
        values["webhook"] = {"auth": answers["webhook_auth"]}
    _refuse_existing(folder, name)
    _check_address(answers["edition"], answers["url"])
    instance = parse_instance(values)
    clash = directory.find_clash(instance.as_tenant())
    if clash is not None:
        raise TenantFileInvalid(f"{name}: {clash}")
    return _write(folder, name, instance.model_dump(mode="json", exclude_none=True))


def remove_file(folder: Path, name: str) -> Mapping[str, Any]:
    """Remove the file of a tenant or instance. Returns what it held, as far as that can be read.

    Raises:
        TenantFileInvalid: There is no such file, or it can't be removed.
    """
    path = folder / f"{name}.yaml"
    try:
        held = read_values(path)
    except TenantFileInvalid:  # a file that can't be read is removed all the same
        held = None
    try:
        path.unlink()
    except FileNotFoundError as error:
        raise TenantFileInvalid(f"there is no file {path}") from error
    except OSError as error:
        raise TenantFileInvalid(f"{path} can't be removed ({type(error).__name__})") from error
    return held if isinstance(held, dict) else {}


def write_list(folder: Path) -> Path | None:
    """Bring the list of *folder* (`TENANTS_DIR`) up to date. Returns its file; None where the folder has no list.

    Raises:
        TenantFileInvalid: It can't be written.
    """
    path = folder / LIST_FILE
    try:
        if not path.is_file():
            return None
        path.write_text(_list_of(folder), "utf-8")
    except OSError as error:
        raise TenantFileInvalid(f"{path} can't be written ({type(error).__name__})") from error
    return path


def is_list_stale(folder: Path) -> bool:
    """Whether the folder has a list, and it is not what `write_list` would write."""
    path = folder / LIST_FILE
    return path.is_file() and path.read_bytes() != _list_of(folder).encode()


def unread_files(folder: Path) -> list[str]:
    """The names of files in *folder* that a person may take for tenants' or instances', and that nobody reads."""
    found = [path for below in (folder, folder / "instances") for path in below.glob("*")]
    return sorted(
        path.relative_to(folder).as_posix()
        for path in found
        if path.suffix != ".yaml" and path.suffix.lower() in {".yaml", ".yml"} and not path.name.startswith(".")
    )


def _list_of(folder: Path) -> str:
    generators = [
        {
            "name": name,
            "files": sorted(path.relative_to(folder).as_posix() for path in below.glob("*.yaml")),
            # The processes read the files again when they change, so no pod is rolled for them.
            "options": {"disableNameSuffixHash": True},
        }
        for name, below in (("tenants", folder), ("instances", folder / "instances"))
    ]
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "configMapGenerator": generators,
    }
    return _HEAD + yaml.safe_dump(content, sort_keys=False)


def _given(answers: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: answers[key] for key in keys if answers.get(key)}


def _refuse_existing(folder: Path, name: str) -> None:
    if (folder / f"{name}.yaml").exists():
        raise TenantFileInvalid(f"{folder / name}.yaml exists already")
    if name == SMOKE and any((each / LIST_FILE).is_file() for each in (folder, folder.parent)):
        raise TenantFileInvalid(f"{name}: is the smoke test's own tenant; choose another slug")


def _write(folder: Path, name: str, values: Mapping[str, Any]) -> Path:
    path = folder / f"{name}.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True), "utf-8")
    except OSError as error:
        raise TenantFileInvalid(f"{path} can't be written ({type(error).__name__})") from error
    return path
