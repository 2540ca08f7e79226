"""The image as docker or podman runs it, under the restrictions and settings of the production manifests."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from demo.embedded import find_free_port
from tests.manifests.rendering import WORKLOAD, Object, containers, of_kind, pod_templates, render

IMAGE: Final = os.environ.get("AI_AGENTS_IMAGE", "ai-agents:local")
ENGINE: Final = os.environ.get("ENGINE", "docker")
FLAGS: Final = shlex.split(os.environ.get("RUN_FLAGS", ""))
_SIZE: Final = re.compile(r"^([\d.]+) ?(\w*)$", re.MULTILINE)
_UNITS: Final = {"": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}
_TENANTS: Final = {"files": "/etc/ai-agents/tenants", "secrets": "/var/run/secrets/ai-agents/tenants"}


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ENGINE, *arguments], capture_output=True, text=True, timeout=120, check=False)


def inspect_image() -> dict[str, Any]:
    """What the image says of itself."""
    shown = call("image", "inspect", IMAGE)
    assert shown.returncode == 0, shown.stderr
    found: dict[str, Any] = json.loads(shown.stdout)[0]
    return found


def run_in_image(*command: str, flags: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run another program than ours."""
    program, *arguments = command
    rest = [*FLAGS, *(flags or []), f"--entrypoint={program}", IMAGE, *arguments]
    return call("run", "--rm", "--network=none", *rest)


def _pod(role: str) -> tuple[Object, Object]:
    """The pod's and the container's part of the manifest that runs *role*."""
    # The console comes with a component that an installation chooses.
    objects = render("kustomize/base/console") if role == "console" else render(WORKLOAD)
    for _, template in pod_templates(objects):
        for container in containers(template):
            if container["name"] == role:
                return template["spec"], container
    raise AssertionError(role)


def restrictions(role: str) -> list[str]:
    """The manifest's restrictions as the engine takes them."""
    spec, container = _pod(role)
    identity, safety = spec["securityContext"], container["securityContext"]
    assert safety["readOnlyRootFilesystem"]
    assert not safety["allowPrivilegeEscalation"]
    assert safety["capabilities"]["drop"] == ["ALL"]
    return [
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        f"--user={identity['runAsUser']}:{identity['runAsGroup']}",
        f"--memory={container['resources']['limits']['memory'].removesuffix('i').lower()}",
        "--tmpfs=/tmp:size=64m",
    ]


def _settings(role: str) -> dict[str, str]:
    """The settings that the manifest gives to *role*."""
    _, container = _pod(role)
    named = [each["configMapRef"]["name"] for each in container.get("envFrom", []) if "configMapRef" in each]
    found: dict[str, str] = {}
    for each in of_kind(render(WORKLOAD), "ConfigMap"):
        if each["metadata"]["name"] in named:
            found |= each["data"]
    return found


class Container:
    """A started container. Its port is one of this machine's, whose network it shares."""

    def __init__(self, role: str, container_id: str, port: int) -> None:
        self._role = role
        self._id = container_id
        self.port = port

    def output(self) -> str:
        logs = call("logs", self._id)
        return logs.stdout + logs.stderr

    async def ready(self) -> None:
        async with httpx.AsyncClient() as client, asyncio.timeout(30):
            while True:
                assert (await self._state())["Running"], self.output()
                try:
                    if (await client.get(f"http://127.0.0.1:{self.port}/health/ready")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)

    async def ended(self, *, limit_s: float = 60) -> int:
        """Wait for it to end by itself; the exit status."""
        async with asyncio.timeout(limit_s):
            while True:
                state = await self._state()
                if not state["Running"]:
                    return int(state["ExitCode"])
                await asyncio.sleep(0.1)

    async def stop(self) -> int:
        """SIGTERM, and SIGKILL after the manifest's grace period; the exit status."""
        grace_s = _pod(self._role)[0]["terminationGracePeriodSeconds"]
        stopped = await asyncio.to_thread(call, "stop", f"--time={grace_s}", self._id)
        assert stopped.returncode == 0, stopped.stderr
        return int((await self._state())["ExitCode"])

    async def _state(self) -> dict[str, Any]:
        shown = await asyncio.to_thread(call, "container", "inspect", self._id)
        assert shown.returncode == 0, shown.stderr
        state: dict[str, Any] = json.loads(shown.stdout)[0]["State"]
        return state


@contextmanager
def started(role: str, *arguments: str, folder: Path, port: int | None = None, **variables: str) -> Iterator[Container]:
    """Start *role* with the tenants that *folder* holds."""
    port = port or find_free_port()
    ours = {"API_HOST": "127.0.0.1", "API_PORT": str(port), "PROMETHEUS_PORT": str(port), "CONSOLE_PORT": str(port)}
    environment = {**_settings(role), **ours, **variables}
    flags = [*FLAGS, *restrictions(role)]
    if role != "migrate":
        flags += [f"--volume={folder / part}:{target}:ro" for part, target in _TENANTS.items()]
    flags += [f"--env={name}={value}" for name, value in environment.items()]
    begun = call("run", "--detach", "--network=host", *flags, IMAGE, role, *arguments)
    assert begun.returncode == 0, begun.stderr
    container_id = begun.stdout.split()[-1]
    try:
        yield Container(role, container_id, port)
    finally:
        call("rm", "--force", container_id)


def bytes_beyond_base() -> float:
    """The size of the image's layers without the lowest, which is a Debian base's only one."""
    shown = call("history", "--human=false", "--format={{.Size}}", IMAGE)
    assert shown.returncode == 0, shown.stderr
    # Docker tells bytes, podman rounds: "176 MB".
    sizes = [float(number) * _UNITS[unit] for number, unit in _SIZE.findall(shown.stdout)]
    return sum([size for size in sizes if size][:-1])
