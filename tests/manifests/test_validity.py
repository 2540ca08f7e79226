"""Every object is one that the API server takes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.manifests.rendering import PRODUCTION, of_kind, render
from tests.manifests.test_rendering import FOLDERS
from tests.manifests.validity import invalid


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_object_fits_its_schema(folder: str) -> None:
    assert invalid(render(folder)) == []


@pytest.mark.parametrize(
    ("kind", "spoil", "problem"),
    [
        ("Deployment", lambda spec: spec.update(replica=2), "replica"),
        ("Deployment", lambda spec: spec.update(revisionHistoryLimit="three"), "three"),
        ("ScaledObject", lambda spec: spec.update(maxReplicas=2), "maxReplicas"),
        ("ScaledObject", lambda spec: spec.pop("scaleTargetRef"), "scaleTargetRef"),
        ("ExternalSecret", lambda spec: spec.update(refreshIntervall="1h"), "refreshIntervall"),
    ],
    ids=["core unknown key", "core wrong type", "custom unknown key", "custom missing key", "external secret"],
)
def test_what_a_schema_does_not_allow_is_found(kind: str, spoil: Any, problem: str) -> None:
    each = deepcopy(of_kind(render(PRODUCTION), kind)[0])
    spoil(each["spec"])

    (found,) = invalid([each])
    assert problem in found


def test_a_kind_without_a_schema_is_found() -> None:
    (found,) = invalid([{"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "x"}}])

    assert "no schema of its kind" in found
