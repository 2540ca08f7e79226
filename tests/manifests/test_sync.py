"""How the Applications sync: what a failed release leaves behind, and what is removed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.manifests.applications import application
from tests.manifests.project import ENVIRONMENTS

EACH = pytest.mark.parametrize("environment", ENVIRONMENTS)


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
