"""A stand-in for kubelet and container runtime: one node, whose containers are processes of this machine.

Real are: the pod's network namespace and address, volumes at their paths in a root of the container's own (kept up to date),
environment, init containers and sidecars, probes, `preStop`, SIGTERM and the grace period, restarts, status, logs.
Not there are: images (images.py says which program an image is), users, limits, `exec` and `port-forward`.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from drill.api import STRATEGIC, Api, Object
from drill.images import Images
from drill.network import Services, connect_pod

NODE, ADDRESS, PORT = "drill", "10.0.0.1", 10250
_TOKENS = "/var/run/secrets/kubernetes.io/serviceaccount"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Container:
    """A container of a pod, over its restarts."""

    def __init__(self, spec: Object, pod: Pod) -> None:
        self.spec, self.pod, self.name = spec, pod, spec["name"]
        self.log = pod.folder / f"{self.name}.log"
        self.restarts = 0
        self.is_started = self.is_ready = False
        self.code: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._began = self._ended = ""
        self._since = 0.0
        self._tried: dict[str, tuple[float, int]] = {}

    def start(self) -> None:
        self.is_started = self.is_ready = False
        self.code, self._tried, self._began, self._since = None, {}, now(), time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["nsenter", "--target", str(self.pod.pause.pid), "--net", "unshare", "--mount", "--uts", "sh", "-ec", self._script()],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self._environment(), start_new_session=True,
            )  # fmt: skip

    def _script(self) -> str:
        root = self.pod.folder / f"{self.name}.root"
        lines = [
            f"hostname {self.pod.name}; mkdir -p {root}; mount -t tmpfs tmpfs {root}; cd {root}; mkdir -p tmp run var; ln -s /run var/run"
        ]
        lines += [f"mkdir -p .{each}; mount --rbind {each} .{each}" for each in self.pod.images.shared]
        lines.append(
            f"mkdir -p etc; cp -a {self.pod.images.etc}/. etc; cp {self.pod.hosts} etc/hosts; mount --bind {self.pod.hosts} etc/hosts"
        )
        lines.append(f"mount -t tmpfs tmpfs usr/local/bin; cp -a {self.pod.images.programs}/. usr/local/bin")
        for mount in self.spec.get("volumeMounts", []):
            source = self.pod.folder / "volumes" / mount["name"] / mount.get("subPath", "")
            at = "." + re.sub("^/var/run/", "/run/", mount["mountPath"])
            lines.append(
                f"mkdir -p $(dirname {at}); if [ -d {source} ]; then mkdir -p {at}; else touch {at}; fi; mount --bind {source} {at}"
            )
        entrypoint = self.pod.images.entrypoint(self.spec["image"])
        command = ["sh", "-c", "exec sleep infinity", "--"] if entrypoint is None else entrypoint
        if self.spec.get("command") and entrypoint is not None:
            command = self._expanded(self.spec["command"])
        command = [*command, *self._expanded(self.spec.get("args", []))]
        lines.append(
            "exec chroot . "
            + shlex.join(["sh", "-c", 'cd "$0" 2>/dev/null; exec "$@"', self.spec.get("workingDir", "/"), *command])
        )
        return "\n".join(lines)

    def _expanded(self, words: list[str]) -> list[str]:
        variables = self._environment()
        return [re.sub(r"\$\(([A-Za-z_][\w]*)\)", lambda m: variables.get(m[1], m[0]), word) for word in words]

    def _environment(self) -> dict[str, str]:
        found = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOSTNAME": self.pod.name, "HOME": "/tmp",
                 "KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443",
                 **self.pod.images.environment(self.spec["image"])}  # fmt: skip
        for each in self.spec.get("envFrom", []):
            ((kind, source),) = ((k, v) for k, v in each.items() if k != "prefix")
            found |= self.pod.data("secrets" if kind == "secretRef" else "configmaps", source) or {}
        for each in self.spec.get("env", []):
            source = each.get("valueFrom", {})
            if not source:  # an empty value is stored as none
                found[each["name"]] = re.sub(r"\$\((\w+)\)", lambda m: found.get(m[1], m[0]), each.get("value", ""))
            for kind, key in (("secrets", "secretKeyRef"), ("configmaps", "configMapKeyRef")):
                if (
                    key in source
                    and (value := (self.pod.data(kind, source[key]) or {}).get(source[key]["key"])) is not None
                ):
                    found[each["name"]] = value
            if "fieldRef" in source:
                found[each["name"]] = self.pod.field(source["fieldRef"]["fieldPath"])
        return found

    def look(self) -> None:
        """Notice its end, and ask its probes when they are due."""
        if self._process is None or self.code is not None:
            return
        self.code = self._process.poll()
        if self.code is not None:
            self.is_ready, self._ended = False, now()
            return
        if not self.is_started:
            self.is_started = self._asked("startupProbe") is not False
        elif self._asked("livenessProbe") is False:
            self.end(10)
            return
        if self.is_started and (answer := self._asked("readinessProbe")) is not None:
            self.is_ready = answer

    def _asked(self, name: str) -> bool | None:
        """None: nothing new; without such a probe all is well."""
        probe = self.spec.get(name)
        if probe is None:
            return True
        begins = self._since + probe.get("initialDelaySeconds", 0) - probe.get("periodSeconds", 10)
        last, failed = self._tried.get(name, (begins, 0))
        if time.monotonic() - last < probe.get("periodSeconds", 10):
            return None if name != "startupProbe" else False
        is_well = self._answers(probe)
        failed = 0 if is_well else failed + 1
        self._tried[name] = (time.monotonic(), failed)
        if is_well or name == "readinessProbe":
            return is_well
        if failed < probe.get("failureThreshold", 3):
            return None if name == "livenessProbe" else False
        self.end(1)
        return False

    def _answers(self, probe: Object) -> bool:
        get = probe.get("httpGet")
        if get is None:
            return True
        port = next(
            (p["containerPort"] for p in self.spec.get("ports", []) if p.get("name") == get["port"]), get["port"]
        )
        url = f"{get.get('scheme', 'HTTP').lower()}://{self.pod.address}:{port}{get.get('path', '/')}"
        try:
            return (
                httpx.get(url, timeout=probe.get("timeoutSeconds", 1) + 2, verify=False, trust_env=False).status_code
                < 400
            )
        except httpx.HTTPError:
            return False

    def end(self, grace: float) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if seconds := self.spec.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds"):
                self.pod.leave_endpoints()
                time.sleep(min(seconds, grace))
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def status(self) -> Object:
        if self._process is None:
            state: Object = {"waiting": {"reason": self.pod.waits_for or "PodInitializing"}}
        elif self.code is None:
            state = {"running": {"startedAt": self._began}}
        else:
            state = {"terminated": {"exitCode": self.code & 0xFF, "reason": "Error" if self.code else "Completed",
                                    "startedAt": self._began, "finishedAt": self._ended}}  # fmt: skip
        image = self.spec["image"]
        return {"name": self.name, "image": image, "imageID": image, "ready": self.is_ready, "started": self.is_started,
                "restartCount": self.restarts, "state": state, "lastState": {}}  # fmt: skip


class Pod(threading.Thread):
    """A pod's life, from the scheduler's word to its deletion."""

    def __init__(self, first: Object, address: str, kubelet: Kubelet) -> None:
        super().__init__(daemon=True)
        self.object, self.address, self.api, self.images = first, address, kubelet.api, kubelet.images
        meta = first["metadata"]
        self.namespace, self.name, self.uid = meta["namespace"], meta["name"], meta["uid"]
        self.folder = kubelet.folder / self.uid
        self.hosts = self.folder / "hosts"
        self.path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"
        self.waits_for = ""
        self.is_gone = False
        self._services = kubelet.services
        self._told: Object = {}
        self._began = now()
        self._tokens: dict[str, tuple[float, str]] = {}
        self._leaves = False
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        spec = first["spec"]
        self.containers = [Container(each, self) for each in spec["containers"]]
        self.inits = [Container(each, self) for each in spec.get("initContainers", [])]
        self._sidecars = [each for each in self.inits if each.spec.get("restartPolicy") == "Always"]

    def data(self, kind: str, reference: Object) -> dict[str, str] | None:
        name = reference.get("name") or reference.get("secretName")
        found = self.api.get(f"/api/v1/namespaces/{self.namespace}/{kind}/{name}")
        if found is None:
            if reference.get("optional"):
                return None
            raise LookupError(f"{kind} {name}")
        data: dict[str, str] = found.get("data", {})
        return data if kind == "configmaps" else {key: base64.b64decode(value).decode() for key, value in data.items()}

    def field(self, path: str) -> str:
        whole = {
            "metadata": self.object["metadata"],
            "spec": self.object["spec"],
            "status": {"podIP": self.address, "hostIP": ADDRESS},
        }
        value: Any = whole
        for part in path.split("."):
            value = value[part]
        return str(value)

    def run(self) -> None:
        try:
            self.pause = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
            while Path(f"/proc/{self.pause.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
                time.sleep(0.01)
            connect_pod(self.pause.pid, self.address)
            self._live()
        except Exception as error:
            print(f"{self.namespace}/{self.name}: {error!r}", file=sys.stderr, flush=True)
        finally:
            for each in [*self.containers, *self._sidecars]:
                each.end(self._grace())
            self.pause.kill()
            self.pause.wait()
            for each in self.containers:
                each.look()
            self._tell("Failed" if any(each.code for each in self.containers) else "Succeeded")
            if self.is_deleted():
                self.api.delete(self.path, {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}})
            self.is_gone = True

    def is_deleted(self) -> bool:
        return "deletionTimestamp" in self.object["metadata"]

    def _grace(self) -> float:
        return float(self.object["metadata"].get("deletionGracePeriodSeconds", 1))

    def _live(self) -> None:
        for step in self._steps():
            if self.is_deleted():
                return
            for each in [*self._sidecars, *self.containers]:
                each.look()
            self._tell("Pending" if step == "waits" else "Running")
            time.sleep(0.5)
        for each in self.containers:  # they have ended by themselves: the phase stays until the pod is deleted
            each.look()
        for each in self._sidecars:
            each.end(5)
        self._tell("Failed" if any(each.code for each in self.containers) else "Succeeded")
        while not self.is_deleted():
            time.sleep(1)

    def _steps(self) -> Iterator[str]:
        while not self._write_volumes():
            yield "waits"
        for each in self.inits:
            yield from self._begin(each)
            while not (each.is_started if each in self._sidecars else each.code == 0):
                each.look()
                if each.code not in {None, 0}:
                    yield from self._again(each)
                yield "waits"
        for each in self.containers:
            yield from self._begin(each)
        policy = self.object["spec"]["restartPolicy"]
        while True:
            yield "runs"
            for each in [*self._sidecars, *self.containers]:
                if each.code is not None and (
                    each in self._sidecars or policy == "Always" or (policy == "OnFailure" and each.code)
                ):
                    yield from self._again(each)
            if policy != "Always" and all(
                each.code is not None and (policy == "Never" or not each.code) for each in self.containers
            ):
                return
            self._write_volumes()

    def _begin(self, container: Container) -> Iterator[str]:
        while True:
            try:
                container.start()
            except LookupError as error:
                self.waits_for = "CreateContainerConfigError"
                print(f"{self.namespace}/{self.name} waits for {error}", file=sys.stderr, flush=True)
                yield "waits"
                yield "waits"
            else:
                self.waits_for = ""
                return

    def _again(self, container: Container) -> Iterator[str]:
        container.restarts += 1
        until = time.monotonic() + min(300, 5 * 2 ** min(container.restarts, 5))
        while time.monotonic() < until:
            yield "runs"
        yield from self._begin(container)

    def _write_volumes(self) -> bool:
        """False while one that a volume must have is not there."""
        if self.folder.joinpath("volumes").exists() and time.monotonic() < getattr(self, "_next", 0):
            return True
        self._next = time.monotonic() + 5
        self.hosts.write_text(self._services.hosts(self.namespace, self.name, self.address), "utf-8")
        try:
            for each in self.object["spec"].get("volumes", []):
                self._write(self.folder / "volumes" / each["name"], each)
        except LookupError as error:
            self.waits_for, self._next = "ContainerCreating", 0.0
            print(f"{self.namespace}/{self.name} waits for {error}", file=sys.stderr, flush=True)
            time.sleep(2)
            return False
        self.waits_for = ""
        return True

    def _write(self, folder: Path, volume: Object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if "emptyDir" in volume or "hostPath" in volume:
            return
        files: dict[str, str] = {}
        for each in volume.get("projected", {}).get("sources", [volume]):
            files |= self._files(each)
        for name, text in files.items():
            path, new = folder / name, folder / f"..{name}"
            if not path.exists() or path.read_text("utf-8") != text:
                new.write_text(text, "utf-8")
                new.replace(path)
        for path in folder.iterdir():
            if path.name not in files:
                path.unlink()

    def _files(self, source: Object) -> dict[str, str]:
        for kind, key in (("configMap", "configmaps"), ("secret", "secrets")):
            if kind in source:
                data = self.data(key, source[kind]) or {}
                items = source[kind].get("items")
                return {i["path"]: data[i["key"]] for i in items if i["key"] in data} if items else data
        if token := source.get("serviceAccountToken"):
            return {token["path"]: self._token(token)}
        fields = source.get("downwardAPI", {}).get("items", [])
        return {each["path"]: self.field(each["fieldRef"]["fieldPath"]) for each in fields}

    def _token(self, wanted: Object) -> str:
        ends, token = self._tokens.get(wanted["path"], (0.0, ""))
        if time.monotonic() > ends:
            account = self.object["spec"]["serviceAccountName"]
            seconds = wanted.get("expirationSeconds", 3600)
            reference = {"apiVersion": "v1", "kind": "Pod", "name": self.name, "uid": self.uid}
            body = {"spec": {"audiences": [wanted["audience"]] if "audience" in wanted else [],
                             "expirationSeconds": seconds, "boundObjectRef": reference}}  # fmt: skip
            path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{account}/token"
            token = self.api.post(path, body)["status"]["token"]
            self._tokens[wanted["path"]] = (time.monotonic() + seconds * 0.8, token)
        return token

    def leave_endpoints(self) -> None:
        self._leaves = True
        self._tell("Running")

    def _tell(self, phase: str) -> None:
        runs = phase == "Running"
        is_ready = runs and not self._leaves and all(each.is_ready for each in self.containers)
        states = {"Initialized": phase != "Pending", "ContainersReady": is_ready, "Ready": is_ready,
                  "PodReadyToStartContainers": True}  # fmt: skip
        status: Object = {
            "phase": phase, "hostIP": ADDRESS, "podIP": self.address, "podIPs": [{"ip": self.address}],
            "startTime": self._began, "containerStatuses": [each.status() for each in self.containers],
            "initContainerStatuses": [each.status() for each in self.inits],
            "conditions": [{"type": kind, "status": str(value)} for kind, value in states.items()],
        }  # fmt: skip
        if status != self._told:
            since = [{**each, "lastTransitionTime": now()} for each in status["conditions"]]
            with contextlib.suppress(RuntimeError):
                self.api.patch(f"{self.path}/status", {"status": {**status, "conditions": since}}, STRATEGIC)
                self._told = status


class Kubelet:
    """The node: takes the pods that the scheduler gives it."""

    def __init__(self, api: Api, folder: Path, services: Services, images: Images) -> None:
        self.api, self.folder, self.services, self.images = api, folder, services, images
        self._pods: dict[str, Pod] = {}
        self._last = 1

    def register(self, admin: Api) -> None:
        room = {"cpu": "64", "memory": "128Gi", "pods": "200"}
        self.api.post("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {
            "name": NODE, "labels": {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}}})  # fmt: skip
        self.api.patch(f"/api/v1/nodes/{NODE}/status", {"status": {
            "capacity": room, "allocatable": room, "addresses": [{"type": "InternalIP", "address": ADDRESS}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": PORT}},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now(),
                            "lastTransitionTime": now()}]}}, STRATEGIC)  # fmt: skip
        # Admission marks a new node as not ready; who takes the mark away would want a heartbeat.
        admin.patch(f"/api/v1/nodes/{NODE}", {"spec": {"taints": []}})

    def follow(self) -> None:
        while True:
            try:
                pods = self.api.list("/api/v1/pods", fieldSelector=f"spec.nodeName={NODE}")
            except (RuntimeError, httpx.HTTPError) as error:
                print(f"kubelet: {error}", file=sys.stderr, flush=True)
                time.sleep(2)
                continue
            for each in pods:
                uid = each["metadata"]["uid"]
                if uid in self._pods:
                    self._pods[uid].object = each
                elif each.get("status", {}).get("phase") not in {"Succeeded", "Failed"}:
                    self._last += 1
                    address = f"10.244.{self._last // 250}.{self._last % 250 + 2}"
                    self._pods[uid] = Pod(each, address, self)
                    self._pods[uid].start()
            for uid in [uid for uid, pod in self._pods.items() if pod.is_gone]:
                del self._pods[uid]
            there = {each["metadata"]["uid"] for each in pods}
            for uid, pod in self._pods.items():
                if uid not in there and not pod.is_deleted():  # deleted without grace
                    pod.object["metadata"]["deletionTimestamp"] = now()
            time.sleep(0.5)

    def serve_logs(self, certificate: Path, key: Path) -> None:
        kubelet = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                parts = url.path.strip("/").split("/")
                found = [
                    p
                    for p in kubelet._pods.values()
                    if parts[0] == "containerLogs" and [p.namespace, p.name] == parts[1:3]
                ]
                log = found[0].folder / f"{parts[3]}.log" if found else None
                lines = log.read_bytes().splitlines(keepends=True) if log and log.exists() else []
                lines = lines[-int(parse_qs(url.query).get("tailLines", [len(lines) or 1])[0]) :]
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"".join(lines))

            def log_message(self, *words: object) -> None:
                pass

        server = ThreadingHTTPServer((ADDRESS, PORT), Handler)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate, key)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
