"""How the Applications sync: what a failed release leaves behind, and what is removed."""

from __future__ import annotations

from typing import Any

from tests.manifests.rendering import of_kind, render


def sync_policy(name: str) -> dict[str, Any]:
    (application,) = (
        each for each in of_kind(render("argocd/applications"), "Application") if each["metadata"]["name"] == name
    )
    policy: dict[str, Any] = application["spec"]["syncPolicy"]
    return policy


def test_a_failed_release_is_told_at_once_and_its_log_stays() -> None:
    """A retry runs no failed hook again and deletes the migration's Job. Without `retry` Argo CD takes five."""
    assert sync_policy("ai-agents-workload")["retry"]["limit"] == 0


def test_one_unhealthy_secret_of_a_client_keeps_nothing_from_being_removed() -> None:
    """PruneLast waits for the health of everything, an ExternalSecret included that the Application's health ignores."""
    assert sync_policy("ai-agents-foundation")["syncOptions"] == ["ServerSideApply=true"]
    assert "PruneLast=true" in sync_policy("ai-agents-workload")["syncOptions"]
