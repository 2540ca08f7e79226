"""`python -m drill.reach`: whom pods of production reach through the firewall, and whether that is what is meant."""

from __future__ import annotations

import json
import sys
import time

from drill.admission import kubectl

_TRY = """\
import json, socket, sys
def reaches(host, port):
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError:
        return False
    return True
print(json.dumps([name for name, at in json.loads(sys.argv[1]).items() if reaches(*at)]))
"""
_TRIES = 12
# The first of the two pods of each kind asks, so what it would reach of its own is not among the targets.
_MEANT = {
    ("production", "api", "api"): {"database", "redis", "cluster DNS"},
    ("production", "worker", "worker"): {"database", "redis", "cluster DNS", "help desk"},
    ("staging", "worker", "worker"): {"database", "redis", "cluster DNS", "help desk"},
    # Its own policy limits only who may call it. Our pods let it in nowhere.
    ("argocd", "argocd-repo-server", "argocd-repo-server"): {
        "database", "redis", "cluster DNS", "help desk", "AWS", "API server", "kubelet", "public door"},
}  # fmt: skip


def _pods(namespace: str, name: str) -> list[tuple[str, str]]:
    label = "app.kubernetes.io/name" if namespace == "argocd" else "app.kubernetes.io/component"
    path = '{range .items[?(@.status.phase=="Running")]}{.metadata.name} {.status.podIP}{"\\n"}{end}'
    lines = kubectl("--namespace", namespace, "get", "pods", f"--selector={label}={name}", f"--output=jsonpath={path}")
    return [(name, address) for name, address in map(str.split, lines[1].splitlines())]


def _reached(namespace: str, name: str, container: str, targets: str) -> set[str]:
    for _ in range(_TRIES):
        pod = _pods(namespace, name)[0][0]
        status, told = kubectl(
            "--namespace", namespace, "exec", pod, f"--container={container}", "--", "python3", "-c", _TRY, targets
        )
        if status == 0:
            return set(json.loads(told))
        time.sleep(5)  # it was of the rollout before, and ended meanwhile
    raise SystemExit(f"no pod of {namespace} {name} runs for a while: {told}")


def main() -> None:
    targets = {
        "database": ("10.0.1.12", 5432), "redis": ("10.0.2.12", 6379), "cluster DNS": ("kube-dns.kube-system.svc.cluster.local", 53),
        "help desk": ("10.0.0.5", 8090), "AWS": ("10.0.0.6", 5000), "API server": ("10.0.0.1", 6443), "kubelet": ("10.0.0.1", 10250),
        "public door": ("10.0.0.12", 443), "metadata": ("169.254.169.254", 80),
        "API of production": (_pods("production", "api")[1][1], 8000), "metrics of production": (_pods("production", "worker")[1][1], 9090),
        "API of staging": (_pods("staging", "api")[0][1], 8000)}  # fmt: skip
    wrong = 0
    for (namespace, name, container), meant in _MEANT.items():
        reached = _reached(namespace, name, container, json.dumps(targets))
        wrong += reached != meant
        print(
            f"{'as meant' if reached == meant else 'WRONG   '}  {namespace} {name} reaches {', '.join(sorted(reached))}"
        )
    sys.exit(f"{wrong} not as meant" if wrong else 0)


if __name__ == "__main__":
    main()
