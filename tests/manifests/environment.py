"""Whether each container gets the variables that its command reads, and none that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.integrations.proxies import VARIABLES as OF_PROXIES
from app.settings import (
    ApiSettings,
    ConsoleSettings,
    MigrateSettings,
    ProcessSettings,
    SyncSettings,
    TenantSettings,
    WorkerSettings,
)
from tests.manifests.references import keys, provided
from tests.manifests.rendering import Object, containers, name_of, pod_templates

READS: Final[dict[str, type[ProcessSettings]]] = {
    "api": ApiSettings,
    "worker": WorkerSettings,
    "console": ConsoleSettings,
    "migrate": MigrateSettings,
    "sync": SyncSettings,
    "smoke": TenantSettings,
}


def command_of(container: Object) -> str | None:
    """The `ai-agents` command that a container runs; None for what is not ours."""
    words = [*container.get("command", []), *container.get("args", [])]
    words = words[1:] if words[:1] == ["ai-agents"] else words
    return words[0] if words and words[0] in READS else None


def variables(container: Object, objects: list[Object]) -> dict[str, str]:
    """Each variable that the container gets, and where from (empty: written beside it)."""
    known = provided(objects)
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if field in source:
                name = source[field]["name"]
                found |= dict.fromkeys(keys(known.get((kind, name), {"kind": kind})), f"{kind} {name}")
    for variable in container.get("env", []):
        reference = variable.get("valueFrom", {})
        origin = reference.get("secretKeyRef") or reference.get("configMapKeyRef") or {}
        found[variable["name"]] = (
            f"{'Secret' if 'secretKeyRef' in reference else 'ConfigMap'} {origin['name']}" if origin else ""
        )
    return found


def unset_variables(objects: list[Object]) -> list[str]:
    """Every required variable that a command would miss."""
    return list(_unset(objects))


def _unset(objects: list[Object]) -> Iterator[str]:
    for owner, template in pod_templates(objects):
        for container in containers(template):
            command = command_of(container)
            if command is None:
                continue
            given = variables(container, objects)
            for name, field in READS[command].model_fields.items():
                if field.is_required() and name.upper() not in given:
                    yield f"{name_of(owner)} runs {command} without {name.upper()}"


def unread_secrets(objects: list[Object]) -> list[str]:
    """Every variable from a Secret whose container runs a command that doesn't read it."""
    return [
        f"{name_of(owner)} gives {command} {name} of {origin}, which it does not read"
        for owner, template in pod_templates(objects)
        for container in containers(template)
        if (command := command_of(container)) is not None
        for name, origin in variables(container, objects).items()
        if origin.startswith("Secret") and name not in OF_PROXIES and name.lower() not in READS[command].model_fields
    ]


def unknown_settings(objects: list[Object]) -> list[str]:
    """Keys of the settings' ConfigMap that no process reads."""
    read = {name.upper() for kind in READS.values() for name in kind.model_fields}
    return [
        f"{each['metadata']['name']}: nothing reads {key}"
        for each in objects
        if each["kind"] == "ConfigMap" and each["metadata"]["name"].startswith("settings")
        for key in each["data"]
        if key not in {*read, *OF_PROXIES} and not key.startswith("OTEL_")
    ]
