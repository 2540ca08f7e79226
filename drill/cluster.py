"""`python -m drill.cluster FOLDER`: the whole rig, until it is ended. In a network namespace of its own: run.sh makes it.

FOLDER has the built programs; `run` below it is made anew, and holds logs, `kubeconfig` and `ready` once all is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import yaml

from demo.embedded import open_postgres, open_valkey
from drill import aws
from drill.api import SERVER, Api
from drill.network import forward, open_network, run
from drill.node import ADDRESS, DNS, NODE, REPOSITORY, Node
from drill.operators import balance_load, serve_metrics

# The end of its servers' addresses, in the ranges that the example installation names, and of its load balancer's, and its
# public host. The third is made and ended by the walk.
ENVIRONMENTS = {
    "staging": (11, "staging.ai-agents.example.com"),
    "production": (12, "ai-agents.example.com"),
    "trial": (13, "trial.ai-agents.example.com"),
}
HELP_DESK, AUTHORITY = "10.0.0.5", ("10.0.0.7", 443)
_VERIFIED = "?sslmode=verify-full&sslrootcert=/etc/ai-agents/database-ca/ca.pem"
_ACME = "acme-v02.api.letsencrypt.org"
_ETCD = "http://127.0.0.1:2379"
_GRACE_S = 20.0
_USERS = {"admin": "system:masters", "system:kube-controller-manager": "", "system:kube-scheduler": "", "system:kube-proxy": "",
          f"system:node:{NODE}": "system:nodes"}  # fmt: skip


class Rig:
    def __init__(self, folder: Path) -> None:
        self.bin, self.kinds, self.folder = folder / "bin", folder / "kinds", folder / "run"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o755)
        self.tokens = {user: secrets.token_hex(16) for user in _USERS}
        self.pki = self.folder / "pki"
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log))

    def start_built(self, name: str, *arguments: str) -> None:
        self.start(name, str(self.bin / name), *arguments)

    def api_as(self, user: str) -> Api:
        return Api(self.tokens["admin"], self.pki / "apiserver.crt", user)

    def end(self) -> None:
        for each in reversed(self._processes):
            each.terminate()
            try:
                each.wait(_GRACE_S)
            except subprocess.TimeoutExpired:  # kube-apiserver waits a minute for whoever still watches
                each.kill()
                each.wait()

    def make_keys(self) -> None:
        self.pki.mkdir()
        hosts = ",".join([f"DNS:{_ACME}", *(f"IP:10.0.1.{number}" for number, _ in ENVIRONMENTS.values())])
        run(
            f"cd {self.pki}; exec 2>openssl.log; openssl genrsa -out accounts.key 2048;"
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=drill -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.crt;"
            "openssl req -newkey rsa:2048 -nodes -subj /CN=door -keyout door.key -out door.csr;"
            "openssl req -newkey rsa:2048 -nodes -subj /CN=aggregator -keyout aggregator.key -out aggregator.csr;"
            "openssl x509 -req -in aggregator.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 60 -out aggregator.crt;"
            f"printf 'authorityKeyIdentifier=keyid\\nsubjectAltName={hosts},DNS:metrics.kube-system.svc,IP:10.0.0.1' >door.ext;"
            "openssl x509 -req -in door.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 60 -extfile door.ext -out door.crt"
        )
        lines = [f'{token},{user},{user},"{_USERS[user]}"' for user, token in self.tokens.items()]
        (self.folder / "tokens.csv").write_text("\n".join(lines) + "\n", "utf-8")

    def start_control_plane(self) -> None:
        self.start_built("etcd", "--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync", "--listen-client-urls", _ETCD,
                   "--advertise-client-urls", _ETCD, "--listen-peer-urls", "http://127.0.0.1:2380")  # fmt: skip
        key = str(self.pki / "accounts.key")
        self.start_built("kube-apiserver", "--etcd-servers", _ETCD, "--cert-dir", str(self.pki), "--bind-address", ADDRESS,
                   "--advertise-address", ADDRESS, "--service-cluster-ip-range", "10.96.0.0/16",
                   "--kubelet-preferred-address-types", "InternalIP", "--allow-privileged",
                   "--authorization-mode", "Node,RBAC", "--token-auth-file", str(self.folder / "tokens.csv"),
                   "--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", key,
                   "--service-account-signing-key-file", key, "--enable-admission-plugins", "NodeRestriction",
                   # By which KEDA's metrics API knows the API server, and whom it asks for.
                   "--requestheader-client-ca-file", str(self.pki / "ca.crt"), "--requestheader-allowed-names", "aggregator",
                   "--requestheader-username-headers", "X-Remote-User", "--requestheader-group-headers", "X-Remote-Group",
                   "--requestheader-extra-headers-prefix", "X-Remote-Extra-",
                   "--proxy-client-cert-file", str(self.pki / "aggregator.crt"),
                   "--proxy-client-key-file", str(self.pki / "aggregator.key"),
                   "--audit-log-path", str(self.folder / "audit.log"), "--audit-policy-file", self._audit_policy())  # fmt: skip
        wait_for(f"{SERVER}/readyz")
        authority = str(self.pki / "apiserver.crt")
        for name, *more in (
            ("kube-controller-manager", "--use-service-account-credentials", "--service-account-private-key-file", key,
             "--root-ca-file", authority, "--leader-elect=false"),
            ("kube-scheduler", "--leader-elect=false"),
        ):  # fmt: skip
            self.start_built(name, "--kubeconfig", str(self.write_kubeconfig(f"system:{name}", name)), *more)

    def _audit_policy(self) -> str:
        """What was refused, or would be, and by whom: the metadata of each write."""
        path = self.folder / "audit.json"
        writes = {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"],
                  "omitStages": ["RequestReceived"]}  # fmt: skip
        path.write_text(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [
            {"level": "None", "resources": [{"group": "coordination.k8s.io"}, {"group": "", "resources": ["events"]}]},
            writes, {"level": "None"}]}))  # fmt: skip
        return str(path)

    def write_kubeconfig(self, user: str, name: str) -> Path:
        path = self.folder / name.replace("admin", "kubeconfig")
        path = path.with_suffix(".json") if name != "admin" else path
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "drill",
            "clusters": [{"name": "drill", "cluster": {"server": SERVER, "certificate-authority": str(self.pki / "apiserver.crt")}}],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "drill", "context": {"cluster": "drill", "user": user}}]}), "utf-8")  # fmt: skip
        return path


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError, OSError):
            if httpx.get(url, verify=False, trust_env=False).is_success:
                return
        time.sleep(0.3)
    raise SystemExit(f"nothing answers at {url}")


async def serve(rig: Rig) -> None:
    open_network(ADDRESS)
    rig.make_keys()
    rig.write_kubeconfig("admin", "admin")
    rig.start_control_plane()
    os.environ["KUBECONFIG"] = str(rig.folder / "kubeconfig")
    admin = rig.api_as("")
    start_aws(rig)
    start_authority(rig)
    names = [
        (HELP_DESK, "help-desk"),
        (AUTHORITY[0], _ACME),
        *((door_of(each), host) for each, (_, host) in ENVIRONMENTS.items()),
    ]
    node = Node(rig.folder, rig.bin, rig.start_built)
    node.open(
        rig.write_kubeconfig(f"system:node:{NODE}", "kubelet"),
        rig.write_kubeconfig("system:kube-proxy", "kube-proxy"),
        names,
        (rig.folder / "zone").read_text("utf-8"),
    )
    run(f"{sys.prefix}/bin/kubectl apply --server-side --filename {rig.kinds} >{rig.folder}/kinds.log", **os.environ)
    node.push((rig.kinds.parent / "argo-cd.yaml").read_text("utf-8"))
    node.push((REPOSITORY / "kustomize/components/collector/sidecar.yaml").read_text("utf-8"))
    door = (rig.pki / "door.crt", rig.pki / "door.key")
    serve_metrics(admin, *door)
    async with contextlib.AsyncExitStack() as stack:
        for environment, (number, _) in ENVIRONMENTS.items():
            folder = rig.folder / f"servers-{environment}"
            folder.mkdir()
            postgres = await stack.enter_async_context(open_postgres(folder, is_durable=False))
            valkey = await stack.enter_async_context(open_valkey(folder))
            await postgres.create_database("ai_agents")
            urls = await postgres.create_roles("ai_agents")
            database, redis = (f"10.0.1.{number}", 5432), (f"10.0.2.{number}", 6379)
            await forward(database, postgres.port, door)
            await forward(redis, valkey.port)
            (rig.folder / f"{environment}.url").write_text(_at(database, urls.superuser), "utf-8")
            databases = {
                f"{role}_url": _at(database, getattr(urls, role)) + _VERIFIED for role in ("owner", "intake", "worker")
            }
            stored = aws.of_environment(environment, databases, _at(redis, valkey.url))
            if environment == "production":
                await asyncio.to_thread(aws.make_by_script, rig.kinds.parent / "moto/bin", environment, stored)
                aws.put(name := f"ai-agents/{environment}/database", stored[name])  # the script's is not verified
                stored = {name: value for name, value in stored.items() if name.endswith("/tenants/acme")}
            for name, value in stored.items():
                aws.make(name, value)
        rig.start(
            "help-desk",
            sys.executable,
            "-m",
            "app.simulator",
            "--port",
            "8090",
            "--data",
            str(REPOSITORY / "demo/data"),
        )
        await forward((HELP_DESK, 8090), 8090)
        threading.Thread(target=balance_load, args=(admin, door_of), daemon=True).start()
        endpoints_of_aws = [
            {"name": f"AWS_{each}_ENDPOINT", "value": aws.ENDPOINT} for each in ("SECRETSMANAGER", "STS")
        ]
        source = rig.kinds.parent / "build/github.com-envoyproxy-gateway/source"
        values = (source / "charts/gateway-helm/values.tmpl.yaml").read_text("utf-8")
        envoy = yaml.safe_load(
            values.replace("${GatewayImage}", "docker.io/envoyproxy/gateway:1").replace("${GatewayImagePullPolicy}", "")
        )
        # No manifest names the image of the proxies.
        node.push((source / "api/v1alpha1/shared_types.go").read_text("utf-8").replace("EnvoyProxyImage =", "image:"))
        trusted = {"volumes": [{"name": "trust", "hostPath": {"path": str(rig.pki)}}],
                   "volumeMounts": [{"name": "trust", "mountPath": "/trust"}],
                   "extraEnv": [{"name": "SSL_CERT_FILE", "value": "/trust/trust.crt"}, *aws.LOGIN]}  # fmt: skip
        for name, chart, more in (
            ("keda", "keda-charts/keda", {"image": {"pullPolicy": "IfNotPresent"}}),
            ("external-secrets", "external-secrets/deploy/charts/external-secrets", {"installCRDs": False, "extraEnv": endpoints_of_aws}),
            ("reloader", "reloader/deployments/kubernetes/chart/reloader", {}),
            ("envoy-gateway", "github.com-envoyproxy-gateway/source/charts/gateway-helm", envoy),
            ("cert-manager", "cert-manager/deploy/charts/cert-manager", trusted),
        ):  # fmt: skip
            await asyncio.to_thread(add, rig, node, name, chart, more)
        (rig.folder / "ready").touch()
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        await ended.wait()


def start_aws(rig: Rig) -> None:
    rig.start("aws", str(rig.kinds.parent / "moto/bin/moto_server"), "--host", aws.ADDRESS, "--port", str(aws.PORT))
    aws.wait()
    (rig.folder / "zone").write_text(aws.make_zone("example.com"), "utf-8")


def start_authority(rig: Rig) -> None:
    """Let's Encrypt, by its name and by Pebble, which makes its own root each time: `trust.crt` has that too."""
    path = rig.folder / "pebble.json"
    manage = "127.0.0.1:15000"
    path.write_text(json.dumps({"pebble": {
        "listenAddress": f"{AUTHORITY[0]}:{AUTHORITY[1]}", "managementListenAddress": manage,
        "certificate": str(rig.pki / "door.crt"), "privateKey": str(rig.pki / "door.key"), "httpPort": 80, "tlsPort": 443}}), "utf-8")  # fmt: skip
    rig.start_built("pebble", "-config", str(path), "-dnsserver", f"{DNS}:53")
    wait_for(f"https://{manage}/roots/0")
    root = httpx.get(f"https://{manage}/roots/0", verify=False, trust_env=False).text
    (rig.pki / "trust.crt").write_text((rig.pki / "ca.crt").read_text("utf-8") + root, "utf-8")


def door_of(environment: str) -> str:
    """The address of its load balancer."""
    return f"10.0.0.{ENVIRONMENTS[environment][0]}"


def add(rig: Rig, node: Node, name: str, chart: str, more: dict[str, Any]) -> None:
    """An add-on by its chart, of a repository that was cloned, by our values and what the rig needs besides."""
    application = yaml.safe_load((REPOSITORY / f"argocd/applications/add-ons/{name}.yaml").read_text("utf-8"))
    path = rig.folder / f"{name}.yaml"
    values = path.with_suffix(".json")
    values.write_text(json.dumps(application["spec"]["source"]["helm"]["valuesObject"]), "utf-8")
    rigs = rig.folder / f"{name}-rig.json"
    rigs.write_text(json.dumps(more), "utf-8")
    namespace = application["spec"]["destination"]["namespace"]
    run(f"{rig.bin}/helm template {name} {rig.kinds.parent}/build/{chart} --namespace {namespace} --kube-version 1.36.1 --include-crds "
        f"--values {rigs} --values {values} >{path}")  # fmt: skip
    node.push(path.read_text("utf-8"))
    kubectl = f"{sys.prefix}/bin/kubectl"
    run(f"{kubectl} create namespace {namespace}; {kubectl} apply --server-side --filename {path};"
        f"{kubectl} --namespace {namespace} wait deployment --all --for condition=Available --timeout 5m", **os.environ)  # fmt: skip


def _at(address: tuple[str, int], url: str) -> str:
    return re.sub(r"127\.0\.0\.1:\d+", "{}:{}".format(*address), url)


def main() -> None:
    rig = Rig(Path(sys.argv[1]).resolve())
    try:
        asyncio.run(serve(rig))
    finally:
        rig.end()


if __name__ == "__main__":
    main()
