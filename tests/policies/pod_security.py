"""What PodSecurity's profile `restricted`, which the namespace enforces, would object to in a pod.

Source: Kubernetes, "Pod Security Standards", version 1.37, all controls of `restricted` that a Linux pod can break.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.manifests.rendering import Object

_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
_SECCOMP = {"RuntimeDefault", "Localhost"}
_HARMLESS = {"NET_BIND_SERVICE"}


def objections(pod: Object) -> list[str]:
    """A sentence for each control that the spec of a *pod* breaks."""
    return [*_of_the_pod(pod), *(found for each in _containers(pod) for found in _of_a_container(each, pod))]


def _containers(pod: Object) -> list[Object]:
    return [
        *pod.get("initContainers", []),
        *pod["containers"],
        *pod.get("ephemeralContainers", []),
    ]


def _of_the_pod(pod: Object) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield f"{name} is set"
    for volume in pod.get("volumes", []):
        if kinds := {*volume} - {"name"} - _VOLUMES:
            yield f"volume {volume['name']} is of kind {', '.join(kinds)}"
    if pod.get("securityContext", {}).get("sysctls"):
        yield "sysctls are set"


def _of_a_container(container: Object, pod: Object) -> Iterator[str]:
    name, own = container["name"], container.get("securityContext", {})
    # What a container says wins over what its pod says.
    context = {**pod.get("securityContext", {}), **own}
    if context.get("runAsNonRoot") is not True:
        yield f"{name}: runAsNonRoot is not true"
    if context.get("runAsUser") == 0:
        yield f"{name}: runs as root"
    if context.get("seccompProfile", {}).get("type") not in _SECCOMP:
        yield f"{name}: no seccompProfile"
    if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
        yield f"{name}: may gain rights"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []) or {*capabilities.get("add", [])} - _HARMLESS:
        yield f"{name}: has capabilities"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield f"{name}: opens a port of the node"
