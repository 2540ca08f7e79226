"""What the autoscalers' maxima add up to, in the quota's words and in database connections."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from decimal import Decimal
from typing import Final

from tests.manifests.rendering import Object, containers, name_of, of_kind, pod_templates

_UNITS: Final[dict[str, int | Decimal]] = {
    "": 1,
    "m": Decimal("0.001"),
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
}
_QUANTITY: Final = re.compile(r"(\d+(?:\.\d+)?)([a-zA-Z]*)")


def quantity(text: str | int) -> Decimal:
    """A Kubernetes quantity as a number: CPUs, bytes or pieces."""
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text} is no quantity")
    return Decimal(match[1]) * _UNITS[match[2]]


def replicas(objects: list[Object], *, side: str = "max") -> dict[tuple[str, str], int]:
    """Pods of each Deployment when its autoscaler wants as many (`max`) or as few (`min`) as it may, without a rollout's surge."""
    found = {name_of(each): each["spec"].get("replicas", 1) for each in of_kind(objects, "Deployment")}
    for each in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        count = "Count" if each["kind"] == "ScaledObject" else "s"
        found["Deployment", each["spec"]["scaleTargetRef"]["name"]] = each["spec"][f"{side}Replica{count}"]
    return found


def _surge(deployment: Object, pods: int) -> int:
    surge = deployment["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", "25%")
    return math.ceil(pods * int(surge[:-1]) / 100) if isinstance(surge, str) else surge


def pods_in_a_release(objects: list[Object], *, side: str = "max") -> dict[tuple[str, str], int]:
    """Pods of each owner at the worst moment: all replicas, a rollout's surge, every hook and the CronJob at once."""
    found = {}
    wanted = replicas(objects, side=side)
    for owner, _ in pod_templates(objects):
        name = name_of(owner)
        found[name] = wanted[name] + _surge(owner, wanted[name]) if owner["kind"] == "Deployment" else 1
    return found


def asked(template: Object, resource: str, *, side: str = "requests") -> Decimal:
    """What a pod asks for.

    A native sidecar counts with the containers, any other init container as the larger of the two.
    Source: Kubernetes, "Resource sharing within containers" of init containers and sidecars.
    """
    together, largest = Decimal(0), Decimal(0)
    for container in containers(template):
        value = quantity(container.get("resources", {}).get(side, {}).get(resource, 0))
        is_setup = (
            container in template["spec"].get("initContainers", []) and container.get("restartPolicy") != "Always"
        )
        if is_setup:
            largest = max(largest, value)
        else:
            together += value
    return max(together, largest)


def demand(objects: list[Object]) -> dict[str, Decimal]:
    """What the pods ask for at the worst moment, under the names that a ResourceQuota uses."""
    total: dict[str, Decimal] = defaultdict(Decimal)
    pods = pods_in_a_release(objects)
    for owner, template in pod_templates(objects):
        count = pods[name_of(owner)]
        total["pods"] += count
        for side in ("requests", "limits"):
            for resource in ("cpu", "memory"):
                total[f"{side}.{resource}"] += count * asked(template, resource, side=side)
    return total


def over_quota(objects: list[Object]) -> list[str]:
    """Each entry of the ResourceQuotas that the worst moment exceeds."""
    needed = demand(objects)
    return [
        f"{resource}: {needed[resource]} needed, {hard} allowed"
        for quota in of_kind(objects, "ResourceQuota")
        for resource, hard in quota["spec"]["hard"].items()
        if needed[resource] > quantity(hard)
    ]
