"""The namespace's quota and the database hold what the autoscalers may ask for."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from decimal import Decimal
from pathlib import Path

import pytest

from app.settings import ApiSettings, ConsoleSettings, MigrateSettings, SyncSettings, WorkerSettings
from tests.manifests.capacity import demand, over_quota, pods_in_a_release, quantity
from tests.manifests.project import ENVIRONMENTS, ROOT, copy_project, data, values_of
from tests.manifests.rendering import PRODUCTION, WORKLOAD, Object, name_of, of_kind, pod_templates, render


@pytest.mark.parametrize(
    ("text", "number"), [("250m", Decimal("0.25")), ("128Mi", 128 * 2**20), ("1", 1), (3, 3), ("0.5Gi", 2**29)]
)
def test_a_quantity_is_read_as_kubernetes_reads_it(text: str | int, number: Decimal) -> None:
    assert quantity(text) == number


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_quota_holds_the_worst_moment(environment: str) -> None:
    assert over_quota(render(f"kustomize/overlays/{environment}")) == []


def test_a_quota_that_is_too_small_is_found() -> None:
    objects = deepcopy(render(PRODUCTION))
    of_kind(objects, "ResourceQuota")[0]["spec"]["hard"]["pods"] = "5"

    assert over_quota(objects) == [f"pods: {demand(objects)['pods']} needed, 5 allowed"]


POOLS = {
    "api": ApiSettings.database_connections,
    "worker": WorkerSettings.database_connections,
    "console": ConsoleSettings.database_connections,
    "sync": SyncSettings.database_connections,
    "migrate": MigrateSettings.database_connections,
    "smoke": 0,
}
"""The application's own."""


def connections_of(objects: list[Object]) -> Counter[str]:
    """Database connections of every pod at the worst moment, by component."""
    pods = pods_in_a_release(objects)
    found: Counter[str] = Counter()
    for owner, template in pod_templates(objects):
        component = template["metadata"]["labels"]["app.kubernetes.io/component"]
        found[component] += pods[name_of(owner)] * POOLS[component]
    return found


def connections_at_most(objects: list[Object]) -> int:
    """With KEDA's one."""
    return 1 + connections_of(objects).total()


RESERVED = 10  # connections for people and the provider's own


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_database_has_a_connection_for_everyone(tmp_path: Path, environment: str) -> None:
    """The one that is installed: if this fails, lower the autoscalers' maxima."""
    copy_project(tmp_path, installation=None)
    allowed = int(data(ROOT / values_of(environment))["databaseMaxConnections"]) - RESERVED

    assert connections_at_most(render(f"kustomize/overlays/{environment}/workload", root=tmp_path)) < allowed


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_api_needs_less_than_its_half_of_the_connections(tmp_path: Path, environment: str) -> None:
    """docs/aws/roles.sql gives its role no more."""
    copy_project(tmp_path, installation=None)
    half = int(data(ROOT / values_of(environment))["databaseMaxConnections"]) // 2

    assert connections_of(render(f"kustomize/overlays/{environment}/workload", root=tmp_path))["api"] < half


def test_a_database_that_is_too_small_is_found() -> None:
    objects = deepcopy(render(WORKLOAD))
    for scaled in of_kind(objects, "ScaledObject"):
        scaled["spec"]["maxReplicaCount"] *= 10
    assert connections_at_most(objects) > 400 - RESERVED
