"""Reads the files of tenants and instances, and says what is wrong with one: the key, and what it must be."""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from app.core.plain_yaml import MAX_CHARS, named, read_plain_yaml
from app.core.tenant import Instance, Tenant
from app.errors import TenantFileInvalid

MAX_FILE_BYTES: Final = MAX_CHARS


def read_content(path: Path) -> bytes:
    """The first `MAX_FILE_BYTES` + 1 bytes of *path*. A pipe would keep the reader waiting, so it must be a file."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "is no file")
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def read_tenant(path: Path, instances: Mapping[str, Instance] = MappingProxyType({})) -> Tenant:
    """The tenant that *path* describes, its shared help desk taken from *instances*, by name.

    Raises:
        TenantFileInvalid: The sentence names the wrong key and what it must be.
    """
    tenant = parse_tenant(read_values(path), instances)
    if tenant.slug != path.stem:
        raise TenantFileInvalid(f"slug: must be the file's name, {path.stem}", field="slug")
    return tenant


def parse_tenant(values: Any, instances: Mapping[str, Instance]) -> Tenant:
    """The tenant of a file that holds *values*; otherwise as `read_tenant`."""
    options = values.get("servicedesk") if isinstance(values, dict) else None
    if isinstance(options, dict) and options.get("instance") is not None:
        shared = _shared_options(options, instances)
        values = {"webhook": instances[str(options["instance"])].webhook, **values, "servicedesk": shared}
    return _validate(Tenant, values)


def _shared_options(options: dict[str, Any], instances: Mapping[str, Instance]) -> dict[str, Any]:
    """The options of an account, which names its instance and itself alone."""
    name = str(options["instance"])
    instance = instances.get(name)
    if instance is None:
        told = f"servicedesk.instance: there is no valid file instances/{named(name)}.yaml"
        raise TenantFileInvalid(told, field="servicedesk.instance")
    if further := sorted(str(key) for key in options.keys() - {"instance", "account"}):
        key = f"servicedesk.{named(further[0])}"
        raise TenantFileInvalid(f"{key}: stands in instances/{name}.yaml, once for all its accounts", field=key)
    if not options.get("account"):
        told = 'servicedesk.account: is required beside instance, e.g. account: {id: "601", name: "Acme Corp"}'
        raise TenantFileInvalid(told, field="servicedesk.account")
    return {**instance.options, "account": options["account"]}


def read_instance(path: Path) -> Instance:
    """The instance that *path* describes.

    Raises:
        TenantFileInvalid: The sentence names the wrong key and what it must be.
    """
    instance = parse_instance(read_values(path))
    if instance.name != path.stem:
        raise TenantFileInvalid(f"name: must be the file's name, {path.stem}", field="name")
    return instance


def parse_instance(values: Any) -> Instance:
    """The instance of a file that holds *values*; otherwise as `read_instance`."""
    return _validate(Instance, values)


def read_values(path: Path) -> Any:
    """What the file *path* holds, as `read_plain_yaml` reads it.

    Raises:
        TenantFileInvalid: It can't be read; the sentence says why.
    """
    try:
        content = read_content(path)
        if len(content) > MAX_FILE_BYTES:
            raise TenantFileInvalid(f"is larger than {MAX_FILE_BYTES} bytes")
        return read_plain_yaml(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise TenantFileInvalid("is not in UTF-8: save it so") from error
    except OSError as error:
        raise TenantFileInvalid(f"can't be read ({error.strerror})") from error


_Model = TypeVar("_Model", bound=BaseModel)


def _validate(model: type[_Model], values: Any) -> _Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _invalid(error) from error


_REASONS: Final = {
    "extra_forbidden": "is not a key of a tenant's file",
    "missing": "is required",
    "model_type": "must hold keys with their values, e.g. name: Acme Corp",
    "model_attributes_type": "must hold keys with their values, e.g. name: Acme Corp",
    "uuid_parsing": "must be a UUID, e.g. from `uuidgen`",
    "frozen_set_type": "must be a list, e.g. [ticket_created]",
    "tuple_type": "must be a list, e.g. [summary]",
    "list_type": "must be a list, e.g. [summary]",
    "uuid_type": "must be a UUID, e.g. from `uuidgen`",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "string_type": "must be a text, e.g. in quotes",
    "string_too_short": "must not be empty",
}
"""Instead of the library's words."""


def _invalid(error: ValidationError) -> TenantFileInvalid:
    first = error.errors(include_url=False, include_input=False)[0]
    key = named(".".join(str(part) for part in first["loc"]))
    reason = _REASONS.get(first["type"], first["msg"])
    return TenantFileInvalid(f"{key or 'the file'}: {reason.removeprefix('Value error, ')}", field=key)
