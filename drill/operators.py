"""Stand-ins: a load balancer, and the metrics of pods."""

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

_METRICS = ("10.0.0.4", 4443)


def balance_load(api: Api, address_of: Callable[[str], str]) -> None:
    """The cloud's part: an address for each Service that asks for a load balancer, by the namespace of its Gateway."""
    while True:
        try:
            for each in api.list("/api/v1/services"):
                meta = each["metadata"]
                if each["spec"]["type"] == "LoadBalancer" and not each["status"]["loadBalancer"]:
                    address = address_of(meta["labels"]["gateway.envoyproxy.io/owning-gateway-namespace"])
                    api.patch(f"/api/v1/namespaces/{meta['namespace']}/services/{meta['name']}/status",
                              {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}})  # fmt: skip
        except Exception as error:
            print(f"operators: {error!r}", file=sys.stderr, flush=True)
        time.sleep(1)


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
