"""What an object names, and whether what it names is there when it is needed.

Each function returns its complaints, one sentence each; none means that all is well.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.manifests.rendering import Object, containers, hook_of, name_of, of_kind, pod_templates

_PHASES = {"PreSync": 0, "Sync": 1, "PostSync": 2, "SyncFail": 2}


def references(template: Object) -> Iterator[tuple[str, str, str | None]]:
    """Kind, name and key of what a pod needs to start. What is optional is left out."""
    if "serviceAccountName" in template["spec"]:
        yield "ServiceAccount", template["spec"]["serviceAccountName"], None
    for container in containers(template):
        yield from _of_variables(container)
    for volume in template["spec"].get("volumes", []):
        for source in volume.get("projected", {}).get("sources", [volume]):
            for field, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
                reference = source.get(field)
                if reference and not reference.get("optional"):
                    yield kind, reference.get("secretName") or reference["name"], None


def _of_variables(container: Object) -> Iterator[tuple[str, str, str | None]]:
    whole = (("configMapRef", "ConfigMap"), ("secretRef", "Secret"))
    single = (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret"))
    origins = [(source, whole) for source in container.get("envFrom", [])]
    origins += [(variable.get("valueFrom", {}), single) for variable in container.get("env", [])]
    for source, fields in origins:
        for field, kind in fields:
            reference = source.get(field)
            if reference and not reference.get("optional"):
                yield kind, reference["name"], reference.get("key")


def keys(each: Object) -> set[str]:
    """The keys of a ConfigMap or Secret, or of the Secret that an ExternalSecret makes."""
    if each["kind"] != "ExternalSecret":
        return {*each.get("data", {}), *each.get("stringData", {})}
    target = each["spec"].get("target", {})
    template = target.get("template", {})
    own = {entry["secretKey"] for entry in each["spec"].get("data", [])}
    if not template.get("data"):
        return own
    return {*template["data"], *(own if template.get("mergePolicy") == "Merge" else ())}


def provided(objects: list[Object]) -> dict[tuple[str, str], Object]:
    """Everything a pod may name: ConfigMaps, ServiceAccounts, and Secrets by whoever makes them."""
    found = {name_of(each): each for each in of_kind(objects, "ConfigMap", "Secret", "ServiceAccount")}
    for each in of_kind(objects, "ExternalSecret"):
        name = each["spec"].get("target", {}).get("name", each["metadata"]["name"])
        found["Secret", name] = each
    return found


def missing_references(application: list[Object], *, earlier: list[Object]) -> list[str]:
    """What pods of *application* name that is not there when they start.

    Args:
        application: The objects of one Argo CD Application, hooks included.
        earlier: The objects of the Applications in earlier waves.

    A hook finds what earlier Applications made, and of its own one only what comes in an earlier phase. What the Sync
    phase makes under a hashed name is new on each change, so a PreSync hook can't name it.
    """
    problems = []
    before = provided(earlier)
    for owner, template in pod_templates(application):
        phase = _PHASES[hook_of(owner) or "Sync"]
        here = provided([each for each in application if _PHASES[hook_of(each) or "Sync"] <= min(phase, 1)])
        for kind, name, key in references(template):
            found = before.get((kind, name)) or here.get((kind, name))
            who = f"{owner['kind']} {owner['metadata']['name']}"
            if found is None:
                problems.append(f"{who} starts before there is a {kind} {name}")
            elif key is not None and key not in keys(found):
                problems.append(f"{who} reads the key {key} that {kind} {name} lacks")
    return problems


def hook_faults(objects: list[Object]) -> list[str]:
    """What a hook lacks to run again at the next sync and to end."""
    problems = []
    for each in objects:
        if hook_of(each) is None:
            continue
        name = f"{each['kind']} {each['metadata']['name']}"
        policy = each["metadata"]["annotations"].get("argocd.argoproj.io/hook-delete-policy")
        if policy != "BeforeHookCreation":
            problems.append(f"{name} has hook-delete-policy {policy}: the second sync would fail")
        if each["kind"] != "Job":
            continue
        problems += [
            f"{name} has no {field}" for field in ("activeDeadlineSeconds", "backoffLimit") if field not in each["spec"]
        ]
        if "ttlSecondsAfterFinished" in each["spec"]:
            problems.append(f"{name} has a ttl: Argo CD could miss its end")
        problems += [
            f"{name} names the settings, whose name changes with each change"
            for kind, reference, _ in references(each["spec"]["template"])
            if kind == "ConfigMap" and reference.startswith("settings")
        ]
    return problems
