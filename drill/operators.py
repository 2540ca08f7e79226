"""Stand-ins for the operators, each by the account of the real one: what our objects need to become Ready, no more."""

from __future__ import annotations

import contextlib
import json
import ssl
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from drill.api import Api, Object, now
from drill.network import DOOR

_METRICS = ("10.0.0.4", 4443)
_ACCOUNT = "system:serviceaccount:{0}:{1}".format


class Operators:
    def __init__(self, api_as: Callable[[str], Api]) -> None:
        self._api = api_as("")
        self._gateways = api_as(_ACCOUNT("envoy-gateway-system", "envoy-gateway"))

    def let_in(self) -> None:
        """What the charts' roles would give."""
        accounts = [("envoy-gateway-system", "envoy-gateway"),
                    ("cert-manager", "cert-manager")]  # fmt: skip
        self._api.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "drill-operators"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "namespace": n, "name": a} for n, a in accounts]})  # fmt: skip

    def follow(self) -> None:
        while True:
            try:
                self._doors()
            except Exception as error:
                print(f"operators: {error!r}", file=sys.stderr, flush=True)
            time.sleep(1)

    def _doors(self) -> None:
        kinds = "/apis/gateway.networking.k8s.io/v1"
        for each in self._api.list(f"{kinds}/gateways"):
            if not each.get("status", {}).get("addresses"):
                status = {"addresses": [{"type": "IPAddress", "value": DOOR}],
                          "conditions": [_condition("Accepted"), _condition("Programmed")]}  # fmt: skip
                self._gateways.patch(f"{kinds}/{_where(each, 'gateways')}/status", {"status": status})
        for each in self._api.list(f"{kinds}/httproutes"):
            if not each.get("status", {}).get("parents"):
                parents = [{"parentRef": parent, "controllerName": "drill/door",
                            "conditions": [_condition("Accepted"), _condition("ResolvedRefs")]}
                           for parent in each["spec"]["parentRefs"]]  # fmt: skip
                self._gateways.patch(f"{kinds}/{_where(each, 'httproutes')}/status", {"status": {"parents": parents}})


def _condition(kind: str) -> Object:
    return {"type": kind, "status": "True", "reason": "Drill", "message": "", "lastTransitionTime": now()}


def _where(each: Object, plural: str) -> str:
    return f"namespaces/{each['metadata']['namespace']}/{plural}/{each['metadata']['name']}"


def serve_metrics(api: Api, certificate: Path, key: Path) -> None:
    """The API `metrics.k8s.io`, in which no pod uses anything: no autoscaler of ours leaves its minimum."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            group = {"apiVersion": "metrics.k8s.io/v1beta1"}
            if path.rstrip("/").endswith("v1beta1"):
                body: Object = {"kind": "APIResourceList", "groupVersion": "metrics.k8s.io/v1beta1", "resources": [
                    {"name": "pods", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}]}  # fmt: skip
            elif "/namespaces/" not in path:
                self.send_error(404)
                return
            else:
                usage = {"cpu": "0", "memory": "100Mi"}
                pods = api.list(f"/api/v1/namespaces/{path.split('/')[5]}/pods?{query}")
                body = {"kind": "PodMetricsList", **group, "metadata": {}, "items": [
                    {"metadata": {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"],
                                  "labels": pod["metadata"].get("labels", {})}, "timestamp": now(), "window": "15s",
                     "containers": [{"name": each["name"], "usage": usage} for each in
                                    pod["spec"]["containers"] + pod["spec"].get("initContainers", [])]} for pod in pods]}  # fmt: skip
            text = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(_METRICS, Handler)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    meta = {"name": "metrics", "namespace": "kube-system"}
    with contextlib.suppress(RuntimeError):
        api.post("/api/v1/namespaces/kube-system/services", {"apiVersion": "v1", "kind": "Service", "metadata": meta,
                 "spec": {"ports": [{"port": 443, "targetPort": _METRICS[1]}]}})  # fmt: skip
        api.post("/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices", {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {**meta, "labels": {"kubernetes.io/service-name": "metrics"}},
            "endpoints": [{"addresses": [_METRICS[0]], "conditions": {"ready": True}}],
            "ports": [{"name": "", "port": _METRICS[1]}]})  # fmt: skip
        api.post("/apis/apiregistration.k8s.io/v1/apiservices", {
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
                     "insecureSkipTLSVerify": True, "service": meta}})  # fmt: skip
