"""Selectors, ports and names lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from ipaddress import ip_address, ip_network
from typing import Any, Final

import pytest

from tests.manifests.project import project
from tests.manifests.rendering import FOUNDATION, LOCAL, PRODUCTION, Object, of_kind, render
from tests.manifests.wiring import miswired


@pytest.mark.parametrize("folder", [PRODUCTION, LOCAL], ids=["production", "local"])
def test_selectors_ports_and_names_line_up(folder: str) -> None:
    assert miswired(render(folder)) == []


def test_names_are_asked_for_where_the_cluster_answers() -> None:
    """NodeLocal DNSCache answers on the node's own address, which no selector of pods means (Kubernetes, its page)."""
    names = first(render(PRODUCTION), "NetworkPolicy", "dns")["spec"]["egress"][0]["to"]

    assert [peer["podSelector"]["matchLabels"] for peer in names if "podSelector" in peer] == [{"k8s-app": "kube-dns"}]
    assert {"ipBlock": {"cidr": "169.254.20.10/32"}} in names


# Instance metadata and EKS Pod Identity's agent, each on port 80: docs.aws.amazon.com, EC2 and EKS.
OF_THE_NODE: Final = ("169.254.169.254", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23")


@pytest.mark.parametrize("address", OF_THE_NODE)
def test_no_pod_of_ours_reaches_the_credentials_of_its_node(address: str) -> None:
    def holds(block: Object) -> bool:
        each = ip_address(address)
        return each in ip_network(block["cidr"]) and not any(each in ip_network(one) for one in block.get("except", []))

    opening = [
        policy["metadata"]["name"]
        for policy in of_kind(render(PRODUCTION), "NetworkPolicy")
        for rule in policy["spec"].get("egress", [])
        if {each.get("port") for each in rule.get("ports", [{"port": 80}])} & {80, None}
        and any(
            holds(peer["ipBlock"])
            for peer in rule.get("to", [{"ipBlock": {"cidr": f"{address}"}}])
            if "ipBlock" in peer
        )
    ]
    assert opening == []


def door() -> Any:
    return first(render("argocd/gateway-class"), "EnvoyProxy", "ai-agents")["spec"]


def test_a_node_s_drain_leaves_one_proxy_of_the_public_door() -> None:
    made = door()["provider"]["kubernetes"]

    assert 0 < made["envoyPDB"]["minAvailable"] < made["envoyDeployment"]["replicas"]


# Of a proxy's pod, by Envoy Gateway 1.8 (internal/infrastructure/kubernetes/proxy, EnvoyAppLabel) and by its Deployment.
OF_A_PROXY: Final = {
    "app.kubernetes.io/name": "envoy",
    "app.kubernetes.io/component": "proxy",
    "app.kubernetes.io/managed-by": "envoy-gateway",
    "gateway.envoyproxy.io/owning-gateway-name": "ai-agents",
    "gateway.envoyproxy.io/owning-gateway-namespace": "production",
    "pod-template-hash": "1",
}


def test_a_node_that_is_lost_takes_one_proxy_of_the_public_door() -> None:
    pod = door()["provider"]["kubernetes"]["envoyDeployment"]["pod"]
    spread = {each["topologyKey"]: each for each in pod["topologySpreadConstraints"]}
    by_node = spread["kubernetes.io/hostname"]

    assert (by_node["maxSkew"], by_node["whenUnsatisfiable"]) == (1, "DoNotSchedule")
    assert by_node["nodeTaintsPolicy"] == "Honor", "else a node that is drained is waited for"
    for each in spread.values():
        assert each["matchLabelKeys"] == ["pod-template-hash"], "staging's, and old ones, count for themselves"
        assert each["labelSelector"]["matchLabels"].items() <= OF_A_PROXY.items()


# What a log may hold of a request: not where it came from (`Referer` is the page of a link, too), no cookie, no credential.
LOGGED: Final = {":METHOD", ":PATH", ":AUTHORITY", "X-FORWARDED-FOR", "USER-AGENT", "X-REQUEST-ID"}


def test_no_log_of_the_public_door_holds_the_link_of_a_note() -> None:
    """Of Envoy's command operators, `REQ` and those with PATH, QUERY or URI in their name tell a path."""
    settings = door()["telemetry"]["accessLog"]["settings"]
    operators = [
        (operator, argument, int(longest or 0))
        for setting in settings
        for value in setting["format"]["json"].values()
        for operator, argument, longest in re.findall(r"%([A-Z_]+)(?:\(([^)]*)\))?(?::([0-9]+))?%", value)
    ]
    telling = [each for each in operators if each[0] == "REQ" or re.search("PATH|QUERY|URI", each[0])]
    (path,) = (each for each in telling if each[:2] == ("REQ", ":PATH"))
    what_ships = render(PRODUCTION, root=project(has_options=False))

    assert len(operators) == sum(len(setting["format"]["json"]) for setting in settings)
    assert {operator for operator, _, _ in telling} == {"REQ"}
    assert {argument for _, argument, _ in telling} <= LOGGED
    (link,) = (
        match["path"]["value"]
        for match in first(what_ships, "HTTPRoute", "ai-agents")["spec"]["rules"][0]["matches"]
        if "feedback" in match["path"]["value"]
    )
    assert f"{link}/token"[: path[2]] == link, "as `:9` cuts it"


def test_the_smoke_test_reaches_the_proxies_of_the_public_door_on_their_own_ports() -> None:
    """Where a cluster cuts the way to its load balancer short, a pod meets Envoy's 10443 (Envoy Gateway adds 10,000 to a low port)."""
    door = first(render(PRODUCTION), "NetworkPolicy", "api-from-ingress")["spec"]["ingress"][0]["from"]
    leads_out = first(render(PRODUCTION), "NetworkPolicy", "smoke-out")["spec"]["egress"]

    assert {"to": door} in leads_out


@pytest.mark.parametrize(
    ("parameters", "kedas"),
    [
        ("", ""),
        ("?sslmode=require", "?sslmode=require"),
        ("?sslmode=verify-full&sslrootcert=/etc/ca.pem", "?sslmode=require&"),
        ("?sslrootcert=/etc/ca.pem&sslmode=verify-ca", "?sslmode=require"),
        ("?sslmode=verify-full&target_session_attrs=any&sslrootcert=/etc/ca.pem", "?sslmode=require&target_session_attrs=any&"),
    ],
)  # fmt: skip
def test_keda_is_sent_to_no_file_that_it_does_not_have(parameters: str, kedas: str) -> None:
    """Its driver (pgx 5.11, of KEDA 2.21.0) reads each of these; with a file that is not there it starts nothing."""
    text = first(render(FOUNDATION), "ExternalSecret", "keda-database")["spec"]["target"]["template"]["data"][
        "connection"
    ]
    mode, authority = re.findall(r'regexReplaceAll "([^"]*)"', text)
    old, new = re.findall(r'replace "([^"]*)" "([^"]*)"', text)[0]

    url = re.sub(authority, "", f"postgresql+asyncpg://u:p@h:5432/d{parameters}".replace(old, new))
    assert re.sub(mode, "sslmode=require", url) == f"postgresql://u:p@h:5432/d{kedas}"


def first(objects: list[Object], kind: str, name: str) -> Any:
    return next(each for each in of_kind(objects, kind) if each["metadata"]["name"] == name)


def rename_port(objects: list[Object]) -> None:
    container = first(objects, "Deployment", "ai-agents-api")["spec"]["template"]["spec"]["containers"][0]
    container["ports"][0] |= {"name": "web", "containerPort": 8001}


def scale_another(objects: list[Object]) -> None:
    first(objects, "ScaledObject", "ai-agents-worker")["spec"]["scaleTargetRef"]["name"] = "worker"


def fix_replicas(objects: list[Object]) -> None:
    first(objects, "Deployment", "ai-agents-worker")["spec"]["replicas"] = 3


def lead_astray(objects: list[Object]) -> None:
    first(objects, "HTTPRoute", "ai-agents")["spec"]["rules"][0]["backendRefs"][0]["name"] = "api"


def protect_nobody(objects: list[Object]) -> None:
    selector = first(objects, "PodDisruptionBudget", "ai-agents-worker")["spec"]["selector"]
    selector["matchLabels"]["app.kubernetes.io/component"] = "wroker"


def protect_everybody(objects: list[Object]) -> None:
    first(objects, "PodDisruptionBudget", "ai-agents-worker")["spec"]["selector"] = {}


def bind_nobody(objects: list[Object]) -> None:
    of_kind(objects, "RoleBinding")[0]["subjects"][0]["name"] = "nobody"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (rename_port, "Service ai-agents-api leads to port http"),
        (rename_port, "readinessProbe asks port http"),
        (scale_another, "scales worker, which is not there"),
        (fix_replicas, "has replicas"),
        (lead_astray, "leads to api:"),
        (protect_nobody, "protects the pods of 0 objects"),
        (protect_everybody, "protects the pods of 5 objects"),
        (bind_nobody, "gives rights to nobody"),
    ],
    ids=["service", "probe", "autoscaler", "replicas", "route", "budget", "budget of all", "rights"],
)
def test_what_leads_nowhere_is_found(spoil: Callable[[list[Object]], None], problem: str) -> None:
    objects = deepcopy(render(PRODUCTION, root=project(has_options=False)))
    spoil(objects)

    assert any(problem in found for found in miswired(objects)), miswired(objects)
