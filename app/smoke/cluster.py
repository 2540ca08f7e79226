"""The release's pods, as the Kubernetes API tells of them.

Two reads of one API do without its client library, which would be a third of the image.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from app.smoke.report import CheckFailed, NamedCheck

_CALL_TIMEOUT_S: Final = 10.0
_MOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_COMPONENTS: Final = ("api", "worker")


class Cluster:
    """The namespace that a release runs in.

    Args:
        namespace: Its name.
        pod: The pod that asks: its image is the release's.
        url: The Kubernetes API.
        credentials: The folder of `token` and `ca.crt`.
    """

    def __init__(
        self, namespace: str, *, pod: str, url: str = "https://kubernetes.default.svc", credentials: Path = _MOUNT
    ) -> None:
        self._namespace = namespace
        self._pod = pod
        self._url = url
        self._credentials = credentials

    @property
    def checks(self) -> list[NamedCheck]:
        return [("pods of the release", self._pods)]

    async def _pods(self) -> str:
        async with self._client() as client:
            own = await self._get(client, f"pods/{self._pod}")
            image = own["spec"]["containers"][0]["image"]
            found = {
                component: [pod for pod in await self._list(client, component) if _is_staying(pod)]
                for component in _COMPONENTS
            }
        for component, pods in found.items():
            if not pods:
                raise CheckFailed(f"no pod of {component} is there: look at its Deployment's events")
            for pod in pods:
                _check(pod, component, image)
        counts = ", ".join(f"{len(pods)} {component}" for component, pods in found.items())
        return f"{counts}, all ready on {image.rpartition('@')[2]}"

    async def _list(self, client: httpx.AsyncClient, component: str) -> list[dict[str, Any]]:
        labels = f"app.kubernetes.io/name=ai-agents,app.kubernetes.io/component={component}"
        listed: list[dict[str, Any]] = (await self._get(client, "pods", labelSelector=labels))["items"]
        return listed

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


def _check(pod: dict[str, Any], component: str, image: str) -> None:
    name = pod["metadata"]["name"]
    runs = next(container["image"] for container in pod["spec"]["containers"] if container["name"] == component)
    if runs != image:
        raise CheckFailed(
            f"{name} runs {runs}, not {image}: is the rollout stuck, or was the smoke test begun too early?"
        )
    status = pod["status"]
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    sidecars = {each["name"] for each in pod["spec"].get("initContainers", []) if each.get("restartPolicy") == "Always"}
    waiting = [
        each["name"]
        for each in containers
        if not each["ready"] and (each["name"] in sidecars or each in status.get("containerStatuses", []))
    ]
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", []))
    if waiting or not is_ready:
        raise CheckFailed(f"{name} is not ready ({', '.join(waiting) or 'its condition'}): look at its log and events")
