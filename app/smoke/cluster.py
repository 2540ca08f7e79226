"""The release's pods, as the Kubernetes API tells of them.

Two reads of one API do without its client library, which would be a third of the image.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from app.smoke.report import CheckFailed, NamedCheck

_CALL_TIMEOUT_S: Final = 10.0
_MOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_COMPONENTS: Final = ("api", "worker")
_LOOK_EVERY_S: Final = 1.0


class Cluster:
    """The namespace that a release runs in.

    Args:
        namespace: Its name.
        pod: The pod that asks: its image is the release's, unless *image* says otherwise.
        image: What api and worker are to run.
        wait_s: How long a pod may take to be ready: an autoscaler may have asked for one just now.
        url: The Kubernetes API.
        credentials: The folder of `token` and `ca.crt`.
    """

    def __init__(
        self,
        namespace: str,
        *,
        pod: str,
        image: str | None = None,
        wait_s: float = 60.0,
        url: str = "https://kubernetes.default.svc",
        credentials: Path = _MOUNT,
    ) -> None:
        self._namespace = namespace
        self._pod = pod
        self._image = image
        self._wait_s = wait_s
        self._url = url
        self._credentials = credentials

    @property
    def checks(self) -> list[NamedCheck]:
        return [("pods of the release", self._pods)]

    async def _pods(self) -> str:
        deadline = time.monotonic() + self._wait_s
        async with self._client() as client:
            image = self._image or _own_image(await self._get(client, f"pods/{self._pod}"))
            while True:
                found = {component: await self._list(client, component) for component in _COMPONENTS}
                faults = [fault for component, pods in found.items() for fault in _faults(pods, component, image)]
                if not faults:
                    break
                if time.monotonic() > deadline:
                    raise CheckFailed("; ".join(faults))
                await asyncio.sleep(_LOOK_EVERY_S)
        counts = ", ".join(f"{len(pods)} {component}" for component, pods in found.items())
        return f"{counts}, all ready on {image.rpartition('@')[2]}"

    async def _list(self, client: httpx.AsyncClient, component: str) -> list[dict[str, Any]]:
        labels = f"app.kubernetes.io/name=ai-agents,app.kubernetes.io/component={component}"
        listed: list[dict[str, Any]] = (await self._get(client, "pods", labelSelector=labels))["items"]
        return [pod for pod in listed if _is_staying(pod)]

    async def _get(self, client: httpx.AsyncClient, path: str, **query: str) -> dict[str, Any]:
        response = await client.get(f"/api/v1/namespaces/{self._namespace}/{path}", params=query)
        if response.status_code != httpx.codes.OK:
            raise CheckFailed(
                f"the Kubernetes API answers {response.status_code} for {path}: does smoke-sa have its Role in"
                f" {self._namespace}?"
            )
        answer: dict[str, Any] = response.json()
        return answer

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        try:
            token = (self._credentials / "token").read_text("utf-8").strip()
            trust = ssl.create_default_context(cafile=str(self._credentials / "ca.crt"))
        except OSError as error:
            raise CheckFailed(
                f"no token in {self._credentials}: the pod needs automountServiceAccountToken and smoke-sa"
            ) from error
        async with httpx.AsyncClient(
            base_url=self._url, headers={"authorization": f"Bearer {token}"}, verify=trust, timeout=_CALL_TIMEOUT_S
        ) as client:
            yield client


def _is_staying(pod: dict[str, Any]) -> bool:
    """Not on its way out: a rollout's last pods may still end their work."""
    return "deletionTimestamp" not in pod["metadata"] and pod["status"].get("phase") not in {"Succeeded", "Failed"}


def _own_image(pod: dict[str, Any]) -> str:
    images = _images(pod)
    if "smoke" not in images:
        raise CheckFailed("this pod has no container smoke whose image is the release's: give --expect-image")
    return images["smoke"]


def _images(pod: dict[str, Any]) -> dict[str, str]:
    """By container: beside ours an operator may have put its own."""
    return {each["name"]: each["image"] for each in pod["spec"]["containers"]}


def _faults(pods: list[dict[str, Any]], component: str, image: str) -> list[str]:
    if not pods:
        return [f"no pod of {component} is there: look at the events of ai-agents-{component}"]
    faults = []
    for pod in pods:
        name, runs = pod["metadata"]["name"], _images(pod).get(component)
        if runs != image:
            faults.append(
                f"{name} runs {runs}, not {image}: is the rollout stuck, or was the smoke test begun too early?"
            )
        elif waiting := _waiting(pod):
            faults.append(f"{name} is not ready ({', '.join(waiting)}): look at its log and events")
    return faults


def _waiting(pod: dict[str, Any]) -> list[str]:
    """Its containers, sidecars included, that are not ready; what it says of itself where all are."""
    spec, status = pod["spec"], pod["status"]
    sidecars = [each["name"] for each in spec.get("initContainers", []) if each.get("restartPolicy") == "Always"]
    states = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    ready = {each["name"] for each in states if each["ready"]}
    waiting = [name for name in [*sidecars, *(each["name"] for each in spec["containers"])] if name not in ready]
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", []))
    return waiting or ([] if is_ready else ["its condition"])
