from __future__ import annotations

import json
import runpy

import pytest

from tests.alerts.expressions import DASHBOARDS, expressions, metrics_of
from tests.alerts.rules import load_alerts
from tests.alerts.scraped import values_of
from tests.manifests.rendering import APPLICATIONS, WORKLOAD, name_of, of_kind, render
from tests.manifests.validity import invalid


def test_the_dashboards_are_what_their_source_makes() -> None:
    made = runpy.run_path(str(DASHBOARDS / "generate.py"))["dashboards"]()
    kept = {path.stem: json.loads(path.read_text("utf-8")) for path in DASHBOARDS.glob("*.json")}
    assert kept == made, "run `make dashboards`"


@pytest.mark.parametrize("name", ["overview", "tenant", "cost", "dependencies"])
def test_panels_fill_their_rows_and_cover_no_other(name: str) -> None:
    panels = json.loads((DASHBOARDS / f"{name}.json").read_text("utf-8"))["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert len(cells) == 24 * (max(y for _, y in cells) + 1)
    assert len({panel["title"] for panel in panels}) == len(panels)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('sum by (tenant, le) (rate(a_bucket{le="60.0",b=~"x|y"}[5m])) > 3', {"a_bucket"}),
        ("max by (tenant) (a) unless on (tenant) max(b) == 1 and c:d", {"a", "b", "c:d"}),
        ('absent(up{job="x"} == 1)', {"up"}),
        ("1 - x / time()", {"x"}),
    ],
)
def test_the_metrics_of_an_expression_are_found(expression: str, names: set[str]) -> None:
    assert metrics_of(expression) == names


def test_expressions_are_those_of_rules_and_of_panels() -> None:
    found = expressions()
    assert {f"rule {name}" for name in load_alerts()} < set(found)
    assert sum(not name.startswith("rule ") for name in found) > 30
    assert not [name for name, query in found.items() if "$" in query]


def test_grafana_finds_them_shows_them_and_signs_nobody_in() -> None:
    values = values_of("kube-prometheus-stack")["grafana"]
    (dashboards,) = (
        each for each in of_kind(render(WORKLOAD), "ConfigMap") if each["metadata"]["name"] == "ai-agents-dashboards"
    )

    assert values["enabled"] is True
    assert values["sidecar"]["dashboards"]["searchNamespace"] == "ALL"
    assert dashboards["metadata"]["labels"]["grafana_dashboard"] == "1"
    settings = values["grafana.ini"]
    # Without a sign-in the network is the door: https://github.com/grafana/helm-charts, templates/networkpolicy.yaml.
    assert values["networkPolicy"] == {"enabled": True, "allowExternal": False}
    assert values["serviceMonitor"] == {"enabled": False}, "Prometheus is a pod like others"
    assert settings["auth"]["disable_login_form"] is True
    assert settings["auth.basic"]["enabled"] is False
    assert settings["auth.anonymous"] == {"enabled": True, "org_role": "Viewer"}


def test_grafana_reads_no_secret() -> None:
    """Nobody signs in, and its chart's own role reads those of every namespace (grafana 12.11, templates/clusterrole.yaml)."""
    (add_on,) = (
        each for each in of_kind(render(APPLICATIONS), "Application") if name_of(each)[1] == "kube-prometheus-stack"
    )
    values = values_of("kube-prometheus-stack")["grafana"]
    role, binding = values["extraObjects"]

    assert invalid([role, binding]) == []
    assert values["rbac"] == {"create": False}
    assert role["rules"] == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == name_of(role)
    # The chart's name of its account, after that of the release.
    account = {"kind": "ServiceAccount", "name": f"{add_on['metadata']['name']}-grafana"}
    assert binding["subjects"] == [{**account, "namespace": add_on["spec"]["destination"]["namespace"]}]
    # What they may not list they would ask for again and again.
    assert {values["sidecar"][each]["resource"] for each in ("dashboards", "datasources")} == {"configmap"}


def test_grafana_has_no_password_and_needs_none() -> None:
    """Its sidecars reload by the administrator's password, which nobody can sign in with: files must be there before."""
    values = values_of("kube-prometheus-stack")["grafana"]

    assert "adminPassword" not in values
    assert values["env"]["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert values["sidecar"]["datasources"] == {"resource": "configmap", "initDatasources": True, "skipReload": True}
    assert values["sidecar"]["dashboards"]["skipReload"] is True  # Grafana looks at their folder each 30 s
