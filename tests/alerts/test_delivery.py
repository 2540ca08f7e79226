"""An alert reaches somebody: what it reads is scraped, what fires is routed, and the receiver has its credential."""

from __future__ import annotations

import re
import runpy
from typing import Any

import pytest

from tests.alerts.rules import load_alerts
from tests.alerts.scraped import EXPORTERS, metrics_behind, value_at, values_of, why_unscraped
from tests.manifests.capacity import quantity
from tests.manifests.project import ROOT, settings
from tests.manifests.rendering import APPLICATIONS, FOUNDATION, of_kind, render
from tests.manifests.validity import invalid


def config() -> dict[str, Any]:
    found = next(
        each for each in of_kind(render(FOUNDATION), "AlertmanagerConfig") if each["metadata"]["name"] == "alerting"
    )
    spec: dict[str, Any] = found["spec"]
    return spec


def secret() -> dict[str, Any]:
    (found,) = (
        each for each in of_kind(render(FOUNDATION), "ExternalSecret") if each["metadata"]["name"] == "alert-receivers"
    )
    spec: dict[str, Any] = found["spec"]
    return spec


@pytest.mark.parametrize("name", sorted(load_alerts()))
def test_every_metric_of_an_alert_is_scraped(name: str) -> None:
    read = metrics_behind(load_alerts()[name]["expr"])

    assert read
    assert [problem for problem in map(why_unscraped, sorted(read)) if problem] == []


def test_a_metric_that_nobody_exposes_is_found() -> None:
    assert why_unscraped("redis_up") == "redis_up: nobody is known to expose it"


def test_every_exporter_is_read_by_an_alert() -> None:
    read = {metric for rule in load_alerts().values() for metric in metrics_behind(rule["expr"])}

    assert [each for each in EXPORTERS if not any(name.startswith(each.prefix) for name in read)] == []


def test_prometheus_takes_monitors_and_rules_of_every_namespace() -> None:
    spec = values_of("kube-prometheus-stack")["prometheus"]["prometheusSpec"]

    kinds = ("podMonitor", "serviceMonitor", "rule")
    assert {kind: spec[f"{kind}SelectorNilUsesHelmValues"] for kind in kinds} == dict.fromkeys(kinds, False)


def test_prometheus_is_not_the_first_that_a_full_node_or_its_own_disk_ends() -> None:
    spec = values_of("kube-prometheus-stack")["prometheus"]["prometheusSpec"]
    disk = spec["storageSpec"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"]

    assert spec["resources"]["requests"].keys() == {"cpu", "memory"}
    assert quantity(spec["retentionSize"].replace("GB", "Gi")) <= quantity(disk) * 85 / 100, "its GB are GiB"


def test_the_kind_of_monitors_is_there_before_those_who_bring_one() -> None:
    """A sync that meets an unknown kind fails."""
    waves = {
        each["metadata"]["name"]: int(each["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])
        for each in of_kind(render(APPLICATIONS), "Application")
    }
    bringing = {each.add_on for each in EXPORTERS} - {"kube-prometheus-stack"}

    assert all(waves["kube-prometheus-stack"] < waves[name] for name in bringing)
    assert value_at(values_of("external-secrets"), "serviceMonitor.renderMode") == "alwaysRender"


def test_an_alert_is_told_whatever_its_namespace() -> None:
    """The operator adds a matcher on the configuration's namespace otherwise, and most of our alerts carry none."""
    strategy = value_at(
        values_of("kube-prometheus-stack"), "alertmanager.alertmanagerSpec.alertmanagerConfigMatcherStrategy"
    )

    assert strategy == {"type": "None"}


def test_every_severity_is_routed_and_what_always_fires_is_not() -> None:
    (matcher,) = config()["route"]["matchers"]

    assert (matcher["name"], matcher["matchType"]) == ("severity", "=~")
    for severity in {rule["labels"]["severity"] for rule in load_alerts().values()}:
        assert re.fullmatch(matcher["value"], severity)
    assert not re.fullmatch(matcher["value"], "none"), "Watchdog's"


def test_the_receiver_is_what_the_installation_names_and_its_credential_is_demanded() -> None:
    chosen = settings()["alertReceiver"]
    if chosen == "unset":
        pytest.skip("which receiver is unset, and `make installation` says so")

    assert config()["route"]["receiver"] == chosen
    (demanded,) = (each["remoteRef"] for each in secret()["data"])
    (read,) = (each["extract"]["key"] for each in secret()["dataFrom"])
    assert demanded == {"key": read, "property": chosen}


def test_every_receiver_is_one_that_the_installation_may_name_and_has_a_key_of_the_secret() -> None:
    receivers = {each["name"]: str(each) for each in config()["receivers"]}
    check = runpy.run_path(str(ROOT / "kustomize/installation/check.py"))

    assert set(receivers) == set(check["RECEIVERS"]) == set(secret()["target"]["template"]["data"])
    name = secret()["target"]["name"]
    for key, text in receivers.items():
        assert re.findall(r"\{'key': '(\w+)', 'name': '([\w-]+)'\}", text) == [(key, name)]


def test_a_message_holds_no_more_alerts_than_slack_takes() -> None:
    """With the model out each tenant's alert is in one group; Slack answers 400 to what is too long: alertmanager 2769."""
    (slack,) = (each["slackConfigs"][0] for each in config()["receivers"] if each["name"] == "slack")

    assert slack["text"].startswith("{{ range $place, $alert := .Alerts }}{{ if lt $place 10 }}{{ $alert.")
    assert "{{ if gt (len .Alerts) 10 }}These are 10 of {{ len .Alerts }}.{{ end }}" in slack["text"]


@pytest.mark.parametrize("part", ["kubeControllerManager", "kubeEtcd", "kubeProxy", "kubeScheduler"])
def test_nobody_is_told_day_and_night_of_what_eks_does_not_show(part: str) -> None:
    """The chart's own alerts reach the receiver too. Of kube-proxy: helm-charts 977, containers-roadmap 657."""
    assert value_at(values_of("kube-prometheus-stack"), f"{part}.enabled") is False


def test_the_page_says_what_each_receiver_needs() -> None:
    page = (ROOT / "docs/deploy.md").read_text("utf-8")
    (row,) = re.findall(r"^\| `ai-agents/production/alerts` \|.*", page, re.MULTILINE)

    assert all(f"`{receiver['name']}`" in row for receiver in config()["receivers"])


def test_mail_goes_where_the_installation_says() -> None:
    (mail,) = next(each for each in config()["receivers"] if each["name"] == "email")["emailConfigs"]

    chosen = settings()
    assert (mail["to"], mail["from"]) == (chosen["alertEmail"], chosen["alertEmail"])
    assert (mail["smarthost"], mail["authUsername"]) == (chosen["alertEmailServer"], chosen["alertEmailUser"])
    assert mail["requireTLS"]


def test_somebody_hears_that_nobody_would_hear() -> None:
    """The dead man's switch: what always fires is told often, to it alone, by a credential of its own."""
    objects = render(FOUNDATION)

    assert invalid(objects) == []
    configs = {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, "AlertmanagerConfig")}
    (matcher,) = configs["watchdog"]["route"]["matchers"]
    assert (matcher["name"], matcher["value"]) == ("alertname", "Watchdog")
    (hook,) = configs["watchdog"]["receivers"][0]["webhookConfigs"]
    made = {
        each["spec"]["target"]["name"]: each["spec"]["data"]
        for each in of_kind(objects, "ExternalSecret")
        if each["metadata"]["name"] == "watchdog"
    }
    assert [entry["secretKey"] for entry in made[hook["urlSecret"]["name"]]] == [hook["urlSecret"]["key"]]
    page = (ROOT / "docs/deploy.md").read_text("utf-8")
    assert "components/watchdog" in page.split("### 14.")[1].split("\n### ")[0]
