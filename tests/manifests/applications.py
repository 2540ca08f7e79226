"""The Applications of a cluster, those included that its ApplicationSet makes.

Covered of ApplicationSets is what ours uses: a matrix of two lists, `{{.name}}`, and one condition in `templatePatch`.
`generated_applications.yaml` is what Argo CD's own controller makes of it.
"""

from __future__ import annotations

import re
from copy import deepcopy
from itertools import product
from typing import Any

import yaml

from tests.manifests.project import CLUSTERS
from tests.manifests.rendering import APPLICATIONS, Object, of_kind, render

_CONDITION = re.compile(r'\{\{- if eq \.(\w+) "(\w+)"\}\}(.*?)\{\{- else\}\}(.*?)\{\{- end\}\}', re.DOTALL)


def applications(folder: str = APPLICATIONS) -> list[Object]:
    """Every Application that the root of a cluster leads to."""
    objects = render(folder)
    made = [each for found in of_kind(objects, "ApplicationSet") for each in generated(found)]
    return [*of_kind(objects, "Application"), *made]


def of_environments() -> list[Object]:
    """The Applications of all environments, in whichever cluster each is."""
    return [
        each
        for cluster in CLUSTERS
        for each in applications(f"kustomize/overlays/{cluster}/cluster/applications")
        if each["spec"]["project"] == "ai-agents"
    ]


def application(name: str) -> Object:
    (found,) = (each for each in of_environments() if each["metadata"]["name"] == name)
    return found


def generated(application_set: Object) -> list[Object]:
    """What the controller makes of *application_set*."""
    spec = application_set["spec"]
    ((first, second),) = (each["matrix"]["generators"] for each in spec["generators"])
    namespace = application_set["metadata"]["namespace"]
    found = []
    for one, other in product(first["list"]["elements"], second["list"]["elements"]):
        parameters = {**one, **other}
        made = {"apiVersion": application_set["apiVersion"], "kind": "Application"}
        made |= _merged(_filled(spec["template"], parameters), _patch(spec["templatePatch"], parameters))
        made["metadata"]["namespace"] = namespace
        retry = made["spec"]["syncPolicy"]["retry"]
        if not retry.get("limit"):
            retry.pop(
                "limit", None
            )  # Go writes no zero; what is left, `retry: {}`, is none, and without it there are five
        found.append(made)
    return found


def _filled(value: Any, parameters: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, parameters) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, parameters) for each in value]
    return re.sub(r"\{\{\.(\w+)\}\}", lambda name: parameters[name[1]], value) if isinstance(value, str) else value


def _patch(text: str, parameters: dict[str, str]) -> Any:
    def choose(match: re.Match[str]) -> str:
        return match[3] if parameters[match[1]] == match[2] else match[4]

    chosen = _CONDITION.sub(choose, text)
    assert "{{" not in chosen, "this template says more than is covered here"
    return yaml.safe_load(chosen)


def _merged(value: Any, patch: Any) -> Any:
    """A JSON merge patch, as far as nothing is taken away."""
    if not isinstance(value, dict) or not isinstance(patch, dict):
        return deepcopy(patch)
    return {**deepcopy(value), **{key: _merged(value.get(key), each) for key, each in patch.items()}}
