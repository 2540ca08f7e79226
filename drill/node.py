"""The node: containerd, kubelet and kube-proxy, a registry with the images, and in pods cluster DNS and a firewall that
keeps to NetworkPolicies.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from drill import aws
from drill.api import Object
from drill.network import run

REPOSITORY = Path(__file__).resolve().parents[1]
NODE, ADDRESS = "drill", "10.0.0.1"
_REGISTRY = "127.0.0.1:5001"
DNS = "10.96.0.10"
_PODS = "10.244.0.0/16"
_IMAGES = {
    "pause": "pause", "coredns": "coredns", "kube-router": "kube-router", "argocd": "argocd", "dex": "argocd", "redis": "redis",
    "external-secrets": "external-secrets", "keda": "keda", "keda-metrics-apiserver": "keda",
    "keda-admission-webhooks": "keda", "reloader": "reloader", "opentelemetry-collector": "collector",
    "envoy": "envoy", "gateway": "envoy-gateway",
    **{name: name for name in map("cert-manager-{}".format, ("controller", "webhook", "cainjector", "startupapicheck"))}}  # fmt: skip
"""By the last part of an image's name, which target of the Containerfile it is here."""

# Every registry is ours. An image is asked of it by its name without the host.
_CONTAINERD = """\
version = 3
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
[grpc]
  address = "{folder}/containerd.sock"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "drill.example/pause:1"
[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = "{folder}/certs.d"
[plugins.'io.containerd.cri.v1.runtime']
  # A machine may be root's without CAP_SYS_RESOURCE, which a lower score takes.
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["{bin}"]
  conf_dir = "{folder}/cni"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
"""


class Node:
    def __init__(self, folder: Path, programs: Path, start: Callable[..., None]) -> None:
        self._folder, self._bin, self._start = folder / "node", programs, start

    def open(self, kubelet: Path, proxy: Path, names: Iterable[tuple[str, str]], zone: str) -> None:
        """*kubelet* and *proxy* are their kubeconfigs, *names* address and name of what is outside of the cluster, *zone* the id
        of example.com in Route 53.
        """
        folder = self._folder
        for each in ("certs.d/_default", "cni"):
            (folder / each).mkdir(parents=True)
        (folder / "certs.d/_default/hosts.toml").write_text(f'[host."http://{_REGISTRY}"]\n', "utf-8")
        (folder / "containerd.toml").write_text(_CONTAINERD.format(folder=folder, bin=self._bin), "utf-8")
        (folder / "cni/10-drill.conflist").write_text(json.dumps({"cniVersion": "1.0.0", "name": "drill", "plugins": [
            {"type": "bridge", "bridge": "pods", "isGateway": True, "hairpinMode": True, "ipam": {
                "type": "host-local", "dataDir": str(folder / "addresses"), "ranges": [[{"subnet": _PODS}]],
                "routes": [{"dst": "0.0.0.0/0"}]}}]}), "utf-8")  # fmt: skip
        os.environ["PATH"] = f"{self._bin}:{os.environ['PATH']}"
        self._start("registry", "-port", _REGISTRY.partition(":")[2])
        self._start("containerd", "--config", str(folder / "containerd.toml"))
        while not (folder / "containerd.sock").exists():  # without it the kubelet ends at once
            time.sleep(0.1)
        self._start("kubelet", "--config", self._written("kubelet", {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "failCgroupV1": False,
            "cgroupDriver": "cgroupfs", "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock", "clusterDNS": [DNS],
            "clusterDomain": "cluster.local", "authorization": {"mode": "AlwaysAllow"}, "podLogsDir": str(folder.parent / "pods"),
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}}, "failSwapOn": False,
            "resolvConf": "/dev/null", "maxPods": 200, "serializeImagePulls": False,
            # A machine's disk may be full of other things.
            "imageGCHighThresholdPercent": 100, "evictionHard": dict.fromkeys(
                ("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree"), "0%")}),
            "--root-dir", str(folder / "kubelet"), "--cert-dir", str(folder / "kubelet/pki"), "--kubeconfig", str(kubelet),
            "--hostname-override", NODE, "--node-ip", ADDRESS)  # fmt: skip
        self._start("kube-proxy", "--config", self._written("proxy", {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables",
            "clientConnection": {"kubeconfig": str(proxy)}, "hostnameOverride": NODE, "clusterCIDR": _PODS,
            "conntrack": {"maxPerCore": 0}}))  # fmt: skip
        hosts = "\n".join(f"{address} {name}" for address, name in names)
        objects = [_SMALL, _SMALL_BINDING, *_dns(hosts, zone), *_firewall()]
        self.push(json.dumps(objects) + '"image": "drill.example/pause:1"')
        run(f"{sys.prefix}/bin/kubectl apply --server-side --filename "
            f"{self._written('pods', {'apiVersion': 'v1', 'kind': 'List', 'items': objects})} >{folder}/pods.log", **os.environ)  # fmt: skip

    def _written(self, name: str, value: Object) -> str:
        path = self._folder / f"{name}.json"
        path.write_text(json.dumps(value), "utf-8")
        return str(path)

    def push(self, manifests: str) -> None:
        """Every image that *manifests* name and the rig has, to the registry."""
        for name in set(re.findall(r'"?image"?: "?([\w./:@-]+)', manifests)):
            path = name.partition("/")[2]
            if target := _IMAGES.get(path.rpartition("/")[2].partition(":")[0]):
                run(f"buildah push --quiet --tls-verify=false localhost/drill-{target} docker://{_REGISTRY}/{path}")


def _requests(kind: str) -> Object:
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression":
        f"Object{{spec: Object.spec{{{kind}: (has(object.spec.{kind}) ? object.spec.{kind} : []).map(c, Object.spec.{kind}{{"
        f'name: c.name, resources: Object.spec.{kind}.resources{{requests: {{"cpu": "1m"}}}}}})}}}}'}}  # fmt: skip


# Two cores hold by their requests only a part of it all; by what it uses they hold it.
_SMALL: Object = {
    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": "drill-small-node"},
    "spec": {"reinvocationPolicy": "Never", "failurePolicy": "Fail", "mutations": [_requests("containers"), _requests("initContainers")],
             "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                                                     "resources": ["pods"]}]}}}  # fmt: skip
_SMALL_BINDING: Object = {
    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
    "metadata": {"name": "drill-small-node"}, "spec": {"policyName": "drill-small-node"}}  # fmt: skip


def _account(name: str, rules: list[Object]) -> list[Object]:
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "kube-system"}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
         "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "kube-system"}]},
    ]  # fmt: skip


def _pods(kind: str, name: str, spec: Object) -> Object:
    labels = {"k8s-app": name}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "kube-system"}, "spec": {
        "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "serviceAccountName": name, **spec}}}}  # fmt: skip


def _dns(hosts: str, zone: str) -> list[Object]:
    corefile = f""".:53 {{
  errors
  ready
  kubernetes cluster.local in-addr.arpa
  hosts {{
    {hosts}
    {DNS} {" ".join(aws.NAME_SERVERS)}
    fallthrough
  }}
  route53 example.com.:{zone} {{
    refresh 2
  }}
}}
"""
    meta = {"name": "kube-dns", "namespace": "kube-system"}
    ports = [
        {"name": name, "port": 53, "protocol": protocol} for name, protocol in (("dns", "UDP"), ("dns-tcp", "TCP"))
    ]
    return [
        *_account("kube-dns", [
            {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]}]),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"Corefile": corefile}},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta,
         "spec": {"clusterIP": DNS, "selector": {"k8s-app": "kube-dns"}, "ports": ports}},
        _pods("Deployment", "kube-dns", {"dnsPolicy": "Default", "containers": [{
            "name": "coredns", "image": "drill.example/coredns:1", "args": ["-conf", "/etc/coredns/Corefile"],
            "env": aws.LOGIN,
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}]}],
            "volumes": [{"name": "config", "configMap": {"name": "kube-dns"}}]}),
    ]  # fmt: skip


def _firewall() -> list[Object]:
    """kube-router, of which only the firewall is on: iptables and ipset by the NetworkPolicies."""
    return [
        *_account("kube-router", [
            {"apiGroups": [""], "resources": ["namespaces", "pods", "services", "nodes", "endpoints"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["list", "watch"]},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]}]),
        _pods("DaemonSet", "kube-router", {"hostNetwork": True, "containers": [{
            "name": "kube-router", "image": "drill.example/kube-router:1", "securityContext": {"privileged": True},
            "args": ["--run-firewall=true", "--run-router=false", "--run-service-proxy=false", f"--hostname-override={NODE}",
                     "--service-cluster-ip-range=10.96.0.0/16"]}]}),
    ]  # fmt: skip
