"""What a load needs, and whether what is installed carries a storm."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from app.core.capacity import DRAIN_S, MEASURED, USE, Load, needs_of, pod_rate
from app.core.tenant import Tenant
from app.settings import ApiSettings, ConsoleSettings, MigrateSettings, SyncSettings, WorkerSettings
from tests.builders import a_tenant
from tests.manifests.rendering import WORKLOAD, of_kind, render
from tests.unit.core.scaling import Scaling, answer_times

USUAL = Load(deliveries_per_hour=2_000, model_s=8, concurrency=128, deliveries_per_month=100_000, retention_days=90)


def test_what_is_in_work_is_the_rate_times_the_time() -> None:
    """3,600 an hour are one a second; each takes 8 s of the model's and 0.3 s of ours."""
    assert needs_of(replace(USUAL, deliveries_per_hour=3_600)).in_work == pytest.approx(8.3)


def test_a_slow_model_needs_slots_and_a_fast_one_cpu() -> None:
    many = replace(USUAL, deliveries_per_hour=72_000)  # 20 a second
    slow, fast = needs_of(replace(many, model_s=30)), needs_of(replace(many, model_s=0))
    assert slow.worker_pods == pytest.approx(20 * 30.3 / (128 * USE), abs=1)
    assert fast.worker_pods == max(3, -(-20 * MEASURED.worker_cpu_s // USE))
    assert needs_of(replace(many, model_s=30, concurrency=400)).worker_pods < slow.worker_pods


def test_little_needs_what_stays_up_when_a_pod_is_lost() -> None:
    needs = needs_of(replace(USUAL, deliveries_per_hour=1))
    assert (needs.worker_pods, needs.api_pods) == (3, 2)


def test_the_connections_are_those_of_the_processes() -> None:
    assert MEASURED.worker_connections == WorkerSettings.database_connections
    assert MEASURED.api_connections == ApiSettings.database_connections
    others = SyncSettings.database_connections + ConsoleSettings.database_connections
    assert MEASURED.other_connections == others + MigrateSettings.database_connections + 1  # KEDA's


def test_a_pods_target_is_what_it_works_off_in_half_a_minute() -> None:
    assert needs_of(USUAL).keda_target == int(pod_rate(USUAL) * DRAIN_S)


def installed() -> dict[str, int]:
    (scaled,) = of_kind(render(WORKLOAD), "ScaledObject")
    (trigger,) = (each for each in scaled["spec"]["triggers"] if each["type"] == "postgresql")
    (settings,) = (
        each for each in of_kind(render(WORKLOAD), "ConfigMap") if each["metadata"]["name"].startswith("settings-")
    )
    return {
        "target": int(trigger["metadata"]["targetQueryValue"]),
        "least": scaled["spec"]["minReplicaCount"],
        "most": scaled["spec"]["maxReplicaCount"],
        "pod_slots": int(settings["data"]["WORKER_CONCURRENCY"]),
    }


def test_the_installed_target_is_the_one_that_follows() -> None:
    """For a model that takes 8 s."""
    assert installed()["target"] == pytest.approx(needs_of(USUAL).keda_target, rel=0.25)


def installed_api() -> dict[str, Any]:
    (scaler,) = of_kind(render(WORKLOAD), "HorizontalPodAutoscaler")
    (metric,) = scaler["spec"]["metrics"]
    (api,) = (each for each in of_kind(render(WORKLOAD), "Deployment") if each["metadata"]["name"] == "ai-agents-api")
    (container,) = (each for each in api["spec"]["template"]["spec"]["containers"] if each["name"] == "api")
    return {
        "target": metric["containerResource"]["target"]["averageUtilization"] / 100,
        "request": int(container["resources"]["requests"]["cpu"].removesuffix("m")) / 1000,
        "least": scaler["spec"]["minReplicas"],
        "most": scaler["spec"]["maxReplicas"],
        "work_s": MEASURED.api_cpu_s,
    }


def test_api_pods_are_added_at_the_use_that_is_reckoned_with() -> None:
    assert installed_api()["target"] == USE


def test_a_storm_needs_no_further_api_pod() -> None:
    """10,000 tickets in five minutes: 5 % of a core."""
    random = Random(1)
    times, most = answer_times(sorted(random.uniform(0, 300) for _ in range(10_000)), **installed_api())
    assert most == installed_api()["least"]
    assert times[-1] < 0.05


def test_api_pods_are_there_before_those_that_are_there_are_full() -> None:
    """Within ten minutes webhooks grow to fifty times those of the storm, which is more than two pods can take."""
    random = Random(1)
    arrivals = sorted(600 * random.random() ** 0.5 for _ in range(500_000))
    times, most = answer_times(arrivals, **installed_api())
    assert most == installed_api()["most"]
    assert times[int(len(times) * 0.99)] < 0.02
    late, _ = answer_times(arrivals, **installed_api() | {"target": 9.0})
    assert late[int(len(late) * 0.99)] > 0.05


def a_usual_tenant() -> Tenant:
    return a_tenant(servicedesk={"calls_per_minute": 30})


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("model_s", "median_s", "p95_s"), [(8, 10, 10), (20, 90, 130)])
def test_ten_thousand_tickets_in_five_minutes_have_their_notes_soon(
    seed: int, model_s: float, median_s: float, p95_s: float
) -> None:
    """Of 200 tenants, with the autoscaler as it is installed."""
    random = Random(seed)
    arrivals = sorted((random.uniform(0, 300), random.randrange(200)) for _ in range(10_000))
    run = Scaling(arrivals, work_s=model_s + 0.3, tenant_slots=a_usual_tenant().slots, **installed())
    run.run()
    waits = sorted(wait for _, wait in run.waits)
    assert len(waits) == 10_000
    assert (run.most_pods > installed()["least"]) == (model_s > 8)
    assert waits[len(waits) // 2] < median_s
    assert waits[int(len(waits) * 0.95)] < p95_s


def test_one_tenants_storm_keeps_no_other_waiting() -> None:
    """It has 5,000 tickets at once; 20 others have one each in the five minutes after it."""
    arrivals = [(0.0, 0)] * 5_000 + [(15.0 * tenant, tenant) for tenant in range(1, 21)]
    run = Scaling(sorted(arrivals), work_s=8.3, tenant_slots=a_usual_tenant().slots, **installed())
    run.run()
    waits = {tenant: wait for tenant, wait in run.waits if tenant != 0}
    assert waits.keys() == set(range(1, 21))
    assert max(waits.values()) < 10
