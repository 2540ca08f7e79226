"""The smoke test's Job as `make smoke` creates it: with the image that runs, and as nobody's hook.

A rollback in Argo CD's UI runs no hooks, and the image that runs then is not the one in Git.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import yaml

WORKLOAD = Path(__file__).parent / "overlays/production/workload"


def smoke_job(image: str) -> str:
    """The Job's YAML, its container running *image*."""
    kubectl = Path(sysconfig.get_path("scripts")) / "kubectl"
    rendered = subprocess.run([kubectl, "kustomize", WORKLOAD], capture_output=True, text=True, check=True)  # noqa: S603
    job = next(each for each in yaml.safe_load_all(rendered.stdout) if each["metadata"]["name"] == "ai-agents-smoke")
    del job["metadata"]["annotations"]
    job["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return yaml.safe_dump(job, sort_keys=False)


if __name__ == "__main__":
    if len(sys.argv) != 2 or "/" not in sys.argv[1]:  # noqa: PLR2004
        sys.exit("usage: smoke_by_hand.py IMAGE: is ai-agents-api deployed in the cluster that kubectl talks to?")
    sys.stdout.write(smoke_job(sys.argv[1]))
