"""`python -m drill.restored`: the ConfigMap of docs/recovery.md reaches workers that begin while it is there, and no others."""

from __future__ import annotations

import json
import sys
import time
from typing import NoReturn

from drill.admission import kubectl

_WAIT_S = 240
_WORKERS = "--selector=app.kubernetes.io/component=worker"


def _of_production(*arguments: str) -> str:
    status, told = kubectl("--namespace=production", *arguments)
    if status:
        raise SystemExit(f"kubectl {' '.join(arguments)}: {told}")
    return told


def _workers() -> set[str]:
    """Whose process answers: none begins or ends."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        pods = json.loads(_of_production("get", "pods", _WORKERS, "--output=json"))["items"]
        ready = [each.get("ready") for pod in pods for each in pod["status"].get("containerStatuses", [{}])]
        if pods and all(ready) and not any("deletionTimestamp" in pod["metadata"] for pod in pods):
            return {pod["metadata"]["name"] for pod in pods}
        time.sleep(3)
    raise SystemExit("the workers are not ready for a while")


def _looks(pod: str) -> bool:
    """Whether its process was given the variable, by the variables that the kernel keeps of it."""
    read = "print(b'LEDGER_RESTORED=true' in open('/proc/1/environ', 'rb').read().split(b'\\0'))"
    return _of_production("exec", pod, "--container=worker", "--", "python3", "-c", read) == "True"


def end(tried: dict[str, bool]) -> NoReturn:
    """Tell what was tried and whether it was as meant, and end with a status that says so."""
    for name, is_as_meant in tried.items():
        print(f"{'as meant' if is_as_meant else 'WRONG   '}  {name}")
    wrong = sum(not each for each in tried.values())
    sys.exit(f"{wrong} not as meant" if wrong else 0)


def _renewed() -> dict[str, bool]:
    """One worker is replaced; of each that runs then, whether it looks."""
    before = sorted(_workers())
    _of_production("delete", "pod", before[0])
    return {pod: _looks(pod) for pod in sorted(_workers(), key=lambda pod: pod in before)}


def main() -> None:
    at_first = [_looks(pod) for pod in _workers()]
    _of_production("create", "configmap", "ledger-restored", "--from-literal=LEDGER_RESTORED=true")
    time.sleep(2)
    with_it = list(_renewed().values())
    time.sleep(60)  # Argo CD would have taken it away by now
    _of_production("delete", "configmap", "ledger-restored")
    _of_production("delete", "pod", *(pod for pod in _workers() if _looks(pod)))
    after = [_looks(pod) for pod in _workers()]
    tried = {
        "no worker looks for notes at first": not any(at_first),
        "the ConfigMap reaches the worker that begins, no other": with_it == [True] + [False] * (len(with_it) - 1),
        "without it none that begins looks": not any(after),
    }
    end(tried)


if __name__ == "__main__":
    main()
