"""Who exposes each metric that an alert reads, and what has Prometheus scrape it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from prometheus_client.metrics import MetricWrapperBase

from app.telemetry import metrics
from tests.alerts.expressions import metrics_of
from tests.alerts.rules import load_rules
from tests.manifests.rendering import APPLICATIONS, WORKLOAD, of_kind, render

_SUFFIXES: Final = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


@dataclass(frozen=True)
class Exporter:
    """An add-on that exposes metrics, and the value of its chart that has them scraped."""

    prefix: str
    add_on: str
    value: str


EXPORTERS: Final = (
    Exporter("kube_", "kube-prometheus-stack", "kubeStateMetrics.enabled"),
    Exporter("certmanager_", "cert-manager", "prometheus.servicemonitor.enabled"),
    Exporter("externalsecret_", "external-secrets", "serviceMonitor.enabled"),
)
# Argo CD's own, which no chart brings: by the ServiceMonitor that the root keeps.
OF_ARGO_CD: Final = "argocd_"
# Prometheus makes it of each scrape.
OF_PROMETHEUS: Final = "up"


def values_of(add_on: str) -> dict[str, Any]:
    """The values of the add-on's chart."""
    (application,) = (
        each for each in of_kind(render(APPLICATIONS), "Application") if each["metadata"]["name"] == add_on
    )
    found: dict[str, Any] = application["spec"]["source"]["helm"]["valuesObject"]
    return found


def value_at(values: dict[str, Any], path: str) -> Any:
    for key in path.split("."):
        values = values.get(key, {})
    return values


def our_metrics() -> set[str]:
    """The names under which the application's metrics are scraped."""
    described = [next(iter(each.describe())) for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]
    return {f"{each.name}{suffix}" for each in described for suffix in _SUFFIXES[each.type]}


def metrics_behind(expression: str) -> set[str]:
    """The metrics that *expression* reads, through what is recorded."""
    recorded = {rule["record"]: rule["expr"] for rule in load_rules() if "record" in rule}
    found: set[str] = set()
    for name in metrics_of(expression):
        found |= metrics_behind(recorded[name]) if name in recorded else {name}
    return found


def why_unscraped(name: str) -> str | None:
    """What is missing for Prometheus to have the metric *name*; None when nothing is."""
    if name == OF_PROMETHEUS:
        return None
    if name in our_metrics():
        scraped = {each["metadata"]["name"] for each in of_kind(render(WORKLOAD), "PodMonitor")}
        return None if {"ai-agents-api", "ai-agents-worker"} <= scraped else f"{name}: a PodMonitor of ours is missing"
    if name.startswith(OF_ARGO_CD):
        scraped = {each["metadata"]["name"] for each in of_kind(render(APPLICATIONS), "ServiceMonitor")}
        return None if "argocd" in scraped else f"{name}: a ServiceMonitor of Argo CD is missing"
    exporter = next((each for each in EXPORTERS if name.startswith(each.prefix)), None)
    if exporter is None:
        return f"{name}: nobody is known to expose it"
    if value_at(values_of(exporter.add_on), exporter.value) is not True:
        return f"{name}: {exporter.add_on} is not scraped, {exporter.value} must be true"
    return None
