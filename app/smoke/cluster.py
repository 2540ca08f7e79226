"""Checks the release's pods through the Kubernetes API, and keeps the results there.

Import it only where this is done: the client library takes a second to load, and 60 MB of memory.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from kubernetes.client import ApiClient, ApiException, Configuration, CoreV1Api
from kubernetes.config import ConfigException
from kubernetes.config.incluster_config import InClusterConfigLoader
from urllib3.exceptions import HTTPError

from app.smoke.report import CheckFailed, NamedCheck, SmokeReport

_CALL_TIMEOUT_S: Final = 10.0
_MOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_COMPONENTS: Final = ("api", "worker")
_LOOK_EVERY_S: Final = 1.0
RESULTS: Final = "smoke-results"
"""The ConfigMap, which the foundation makes, since no right can be given to make one of this name alone."""

Pod = Any
"""Kubernetes' V1Pod. `Any`, since its types allow every field to be missing, but the fields read here never are."""


class Cluster:
    """The namespace that a release runs in.

    Args:
        namespace: Its name.
        pod: The pod in which this runs. Its image is that of the release, unless *image* is given.
        image: The image that api and worker must run.
        wait_s: How long to wait for a pod to be ready, since an autoscaler may have started one just now.
        credentials: The folder of `token` and `ca.crt`.
        environ: Has the address of the Kubernetes API, as every pod's environment.
    """

    def __init__(
        self,
        namespace: str,
        *,
        pod: str,
        image: str | None = None,
        wait_s: float = 60.0,
        credentials: Path = _MOUNT,
        environ: Mapping[str, str] = os.environ,  # noqa: TID251 - variables of Kubernetes, not our settings
    ) -> None:
        self._namespace = namespace
        self._pod = pod
        self._image = image
        self._wait_s = wait_s
        self._credentials = credentials
        self._environ = environ

    @property
    def checks(self) -> list[NamedCheck]:
        return [("pods of the release", self._pods)]

    async def keep(self, report: SmokeReport) -> None:
        """Put *report* into the ConfigMap, in place of the one before: `report.json`, and `report.xml` as JUnit.

        Raises:
            CheckFailed: It can't be written.
        """
        results = {"data": {"report.json": report.json(), "report.xml": report.junit()}}
        with self._api(f"the ConfigMap {RESULTS}") as api:
            await asyncio.to_thread(
                api.patch_namespaced_config_map, RESULTS, self._namespace, results, _request_timeout=_CALL_TIMEOUT_S
            )

    async def _pods(self) -> str:
        deadline = time.monotonic() + self._wait_s
        with self._api("pods") as api:
            image = self._image
            if image is None:
                image = await asyncio.to_thread(self._own_image, api)
            while True:
                found = {component: await asyncio.to_thread(self._list, api, component) for component in _COMPONENTS}
                faults = [fault for component, pods in found.items() for fault in _faults(pods, component, image)]
                if not faults:
                    break
                if time.monotonic() > deadline:
                    raise CheckFailed("; ".join(faults))
                await asyncio.sleep(_LOOK_EVERY_S)
        counts = ", ".join(f"{len(pods)} {component}" for component, pods in found.items())
        return f"{counts}, all ready on {image.rpartition('@')[2]}"

    def _own_image(self, api: CoreV1Api) -> str:
        images = _images(api.read_namespaced_pod(self._pod, self._namespace, _request_timeout=_CALL_TIMEOUT_S))
        if "smoke" not in images:
            raise CheckFailed("this pod has no container smoke whose image is the release's: give --expect-image")
        return images["smoke"]

    def _list(self, api: CoreV1Api, component: str) -> list[Pod]:
        labels = f"app.kubernetes.io/name=ai-agents,app.kubernetes.io/component={component}"
        pods = api.list_namespaced_pod(self._namespace, label_selector=labels, _request_timeout=_CALL_TIMEOUT_S)
        return [pod for pod in pods.items if _is_staying(pod)]

    @contextmanager
    def _api(self, what: str) -> Iterator[CoreV1Api]:
        configuration = Configuration()
        loader = InClusterConfigLoader(  # type: ignore[no-untyped-call]
            self._credentials / "token", self._credentials / "ca.crt", environ=self._environ
        )
        try:
            loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
            with ApiClient(configuration) as client:
                yield CoreV1Api(client)
        except ConfigException as error:
            raise CheckFailed(
                f"no token in {self._credentials}: the pod needs automountServiceAccountToken and smoke-sa"
            ) from error
        except ApiException as error:
            raise CheckFailed(
                f"the Kubernetes API answers {error.status} for {what}: does smoke-sa have its Role in "
                f"{self._namespace}?"
            ) from error
        except HTTPError as error:
            raise CheckFailed(f"the Kubernetes API does not answer ({type(error).__name__})") from error


def _is_staying(pod: Pod) -> bool:
    """Whether *pod* is not being deleted: the old pods of a rollout may still finish their work."""
    return pod.metadata.deletion_timestamp is None and pod.status.phase not in {"Succeeded", "Failed"}


def _images(pod: Pod) -> dict[str, str]:
    """The image of each container, also of those that other operators have injected."""
    return {each.name: each.image for each in pod.spec.containers}


def _faults(pods: list[Pod], component: str, image: str) -> list[str]:
    if not pods:
        return [f"no pod of {component} is there: look at the events of ai-agents-{component}"]
    faults = []
    for pod in pods:
        name, runs = pod.metadata.name, _images(pod).get(component)
        if runs != image:
            faults.append(
                f"{name} runs {runs}, not {image}: is the rollout stuck, or was the smoke test begun too early?"
            )
        elif waiting := _waiting(pod):
            faults.append(f"{name} is not ready ({', '.join(waiting)}): look at its log and events")
    return faults


def _waiting(pod: Pod) -> list[str]:
    """The containers that are not ready, sidecars included; "its condition" if only the pod itself is not."""
    sidecars = [each.name for each in pod.spec.init_containers or [] if each.restart_policy == "Always"]
    states = [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]
    ready = {each.name for each in states if each.ready}
    waiting = [name for name in [*sidecars, *(each.name for each in pod.spec.containers)] if name not in ready]
    is_ready = any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or [])
    return waiting or ([] if is_ready else ["its condition"])
