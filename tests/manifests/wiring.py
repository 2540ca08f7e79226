"""Whether selectors, ports and names of one environment's objects line up. Complaints as in `references`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.manifests.rendering import Object, containers, name_of, of_kind, pod_templates


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector chooses *labels*. The empty selector chooses everything."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for rule in selector.get("matchExpressions", []):
        value, operator = labels.get(rule["key"]), rule["operator"]
        holds = {
            "In": value in rule.get("values", []),
            "NotIn": value not in rule.get("values", []),
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }[operator]
        if not holds:
            return False
    return True


def _labels(template: Object) -> dict[str, str]:
    found: dict[str, str] = template["metadata"].get("labels", {})
    return found


def _ports(template: Object) -> dict[str | int, int]:
    found: dict[str | int, int] = {}
    for container in containers(template):
        for port in container.get("ports", []):
            found[port["containerPort"]] = port["containerPort"]
            if "name" in port:
                found[port["name"]] = port["containerPort"]
    return found


def _chosen(objects: list[Object], selector: Object) -> list[Object]:
    return [template for _, template in pod_templates(objects) if selects(selector, _labels(template))]


def miswired(objects: list[Object]) -> list[str]:
    """Every selector, port or name that leads nowhere."""
    return [
        *_templates(objects),
        *_services(objects),
        *_probes(objects),
        *_targets(objects),
        *_rights(objects),
        *_budgets(objects),
        *_network(objects),
        *_routes(objects),
        *_monitors(objects),
    ]


def _templates(objects: list[Object]) -> Iterator[str]:
    for owner, template in pod_templates(objects):
        selector = owner["spec"].get("selector")
        if selector and not selects(selector, template["metadata"]["labels"]):
            yield f"{name_of(owner)} does not select its own pods"


def _services(objects: list[Object]) -> Iterator[str]:
    for service in of_kind(objects, "Service"):
        pods = _chosen(objects, {"matchLabels": service["spec"]["selector"]})
        if not pods:
            yield f"Service {service['metadata']['name']} selects no pod"
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            if pods and not any(target in _ports(pod) for pod in pods):
                yield f"Service {service['metadata']['name']} leads to port {target}, which its pods don't open"


def _probes(objects: list[Object]) -> Iterator[str]:
    for owner, template in pod_templates(objects):
        for container in containers(template):
            opened = _ports({"spec": {"containers": [container]}})
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                port = container.get(kind, {}).get("httpGet", {}).get("port")
                if port is not None and port not in opened:
                    yield f"{name_of(owner)} {kind} asks port {port}, which {container['name']} does not open"


def _targets(objects: list[Object]) -> Iterator[str]:
    names = {name_of(each) for each in objects}
    for each in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        target = each["spec"]["scaleTargetRef"]
        if (target.get("kind", "Deployment"), target["name"]) not in names:
            yield f"{name_of(each)} scales {target['name']}, which is not there"
        owner = next((o for o in objects if name_of(o) == (target.get("kind", "Deployment"), target["name"])), None)
        if owner and "replicas" in owner["spec"]:
            yield f"{name_of(owner)} has replicas, which {name_of(each)} decides"
    for each in of_kind(objects, "ScaledObject"):
        for trigger in each["spec"]["triggers"]:
            reference = trigger.get("authenticationRef", {}).get("name")
            if reference and ("TriggerAuthentication", reference) not in names:
                yield f"{name_of(each)} logs in by TriggerAuthentication {reference}, which is not there"


def _rights(objects: list[Object]) -> Iterator[str]:
    names = {name_of(each) for each in objects}
    for each in of_kind(objects, "RoleBinding"):
        if (each["roleRef"]["kind"], each["roleRef"]["name"]) not in names:
            yield f"{name_of(each)} gives the role {each['roleRef']['name']}, which is not there"
        for subject in each["subjects"]:
            if (subject["kind"], subject["name"]) not in names:
                yield f"{name_of(each)} gives rights to {subject['name']}, which is not there"


def _budgets(objects: list[Object]) -> Iterator[str]:
    for each in of_kind(objects, "PodDisruptionBudget"):
        owners = [owner for owner, pod in pod_templates(objects) if selects(each["spec"]["selector"], _labels(pod))]
        if len(owners) != 1:
            yield f"{name_of(each)} protects the pods of {len(owners)} objects, not of one"


def _network(objects: list[Object]) -> Iterator[str]:
    for policy in of_kind(objects, "NetworkPolicy"):
        chosen = _chosen(objects, policy["spec"].get("podSelector", {}))
        if not chosen:
            yield f"{name_of(policy)} chooses no pod"
        for direction, side in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(direction, []):
                for peer in rule.get(side, []):
                    inside = "podSelector" in peer and "namespaceSelector" not in peer
                    if inside and not _chosen(objects, peer["podSelector"]):
                        yield f"{name_of(policy)} allows {side} pods that are not there: {peer['podSelector']}"
        opened = {port for template in chosen for port in _ports(template)}
        for rule in policy["spec"].get("ingress", []):
            for port in rule.get("ports", []):
                if chosen and port["port"] not in opened:
                    yield f"{name_of(policy)} allows port {port['port']}, which its pods don't open"


def _routes(objects: list[Object]) -> Iterator[str]:
    for each in of_kind(objects, "Ingress"):
        for rule in each["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                yield from _leads(each, objects, service["name"], next(iter(service["port"].values())))
    gateways = {each["metadata"]["name"]: each for each in of_kind(objects, "Gateway")}
    for each in of_kind(objects, "HTTPRoute"):
        for parent in each["spec"]["parentRefs"]:
            listeners = gateways.get(parent["name"], {"spec": {"listeners": []}})["spec"]["listeners"]
            if parent["sectionName"] not in {listener["name"] for listener in listeners}:
                yield f"{name_of(each)} hangs on {parent}, which is not there"
        for rule in each["spec"]["rules"]:
            for backend in rule.get("backendRefs", []):
                yield from _leads(each, objects, backend["name"], backend["port"])


def _leads(route: Object, objects: list[Object], name: str, port: str | int) -> Iterator[str]:
    services = {each["metadata"]["name"]: each["spec"]["ports"] for each in of_kind(objects, "Service")}
    if port not in {known for entry in services.get(name, []) for known in (entry["port"], entry.get("name"))}:
        yield f"{name_of(route)} leads to {name}:{port}, which is not there"


def _monitors(objects: list[Object]) -> Iterator[str]:
    for each in of_kind(objects, "PodMonitor"):
        pods = _chosen(objects, each["spec"]["selector"])
        for endpoint in each["spec"]["podMetricsEndpoints"]:
            if not any(endpoint["port"] in _ports(pod) for pod in pods):
                yield f"{name_of(each)} scrapes port {endpoint['port']} of no pod"
    for each in of_kind(objects, "ServiceMonitor"):
        services = [
            service
            for service in of_kind(objects, "Service")
            if selects(each["spec"]["selector"], service["metadata"].get("labels", {}))
        ]
        named = {port.get("name") for service in services for port in service["spec"]["ports"]}
        for endpoint in each["spec"]["endpoints"]:
            if endpoint["port"] not in named:
                yield f"{name_of(each)} scrapes port {endpoint['port']} of no Service"
