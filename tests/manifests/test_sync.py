"""How the Applications sync: what a failed release leaves behind, and what is removed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.manifests.applications import application, applications
from tests.manifests.project import ENVIRONMENTS

EACH = pytest.mark.parametrize("environment", ENVIRONMENTS)


def nulls(value: object, path: str = "") -> list[str]:
    """Where *value* holds a null."""
    if isinstance(value, dict):
        return [found for key, each in value.items() for found in nulls(each, f"{path}.{key}")]
    if isinstance(value, list):
        return [found for place, each in enumerate(value) for found in nulls(each, f"{path}[{place}]")]
    return [path] if value is None else []


def sync_policy(name: str) -> dict[str, Any]:
    policy: dict[str, Any] = application(name)["spec"]["syncPolicy"]
    return policy


@EACH
def test_a_failed_release_is_told_at_once_and_its_log_stays(environment: str) -> None:
    """A retry runs no failed hook again and deletes the migration's Job. Without `retry` Argo CD takes five; without a limit in it none."""
    assert sync_policy(f"{environment}-workload")["retry"] == {}


@EACH
def test_a_workload_that_is_first_finds_its_namespace(environment: str) -> None:
    """Both Applications begin at once, and a workload is not tried again."""
    assert "CreateNamespace=true" in sync_policy(f"{environment}-workload")["syncOptions"]


@EACH
def test_one_unhealthy_secret_of_a_client_keeps_nothing_from_being_removed(environment: str) -> None:
    """PruneLast waits for the health of everything, an ExternalSecret included that the Application's health ignores."""
    assert sync_policy(f"{environment}-foundation")["syncOptions"] == ["ServerSideApply=true"]
    assert "PruneLast=true" in sync_policy(f"{environment}-workload")["syncOptions"]


def test_what_an_application_asks_for_is_what_argo_cd_keeps_of_it() -> None:
    """It writes operation and status as merge patches, which drop nulls: it then syncs other values, compares them with ours
    and begins again, without end.
    """
    assert [f"{each['metadata']['name']}{path}" for each in applications() for path in nulls(each["spec"])] == []
