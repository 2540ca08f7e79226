"""`python -m drill.rotation`: what changes in AWS reaches production's pods by a rollout of those that have it, and of no others."""

from __future__ import annotations

import json
import sys
import time

from drill import aws
from drill.admission import kubectl

# Of a secret, what is appended to which key, whom that restarts, and the ExternalSecrets that are told to look.
_CHANGES: tuple[tuple[str, str, str, set[str], tuple[str, ...]], ...] = (
    ("openai", "api_key", "2", {"worker"}, ("openai",)),
    ("database", "intake_url", "&application_name=rotated", {"api"}, ("database-intake",)),
    ("tenants/acme", "documentation_token", "of no use", set(), ("tenant-secrets-api", "tenant-secrets-worker")),
)
_WAIT_S = 240


def _rollouts() -> dict[str, int]:
    """How many there have been of each Deployment; none is under way."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        found = json.loads(kubectl("--namespace", "production", "get", "deployments", "--output=json")[1])["items"]
        ready = all(each["status"].get("updatedReplicas") == each["status"].get("replicas") == each["status"].get("availableReplicas")
                    and each["status"]["observedGeneration"] == each["metadata"]["generation"] for each in found)  # fmt: skip
        if ready or time.monotonic() > deadline:
            return {each["metadata"]["name"].removeprefix("ai-agents-"): int(
                each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]) for each in found}  # fmt: skip
        time.sleep(2)


def main() -> None:
    wrong = 0
    for name, key, more, meant, told in _CHANGES:
        before = _rollouts()
        aws.change(f"ai-agents/production/{name}", key, more)
        for each in told:
            kubectl(
                "--namespace",
                "production",
                "annotate",
                "externalsecret",
                each,
                f"force-sync={time.time()}",
                "--overwrite",
            )
        time.sleep(20)
        rolled = {each: times - before[each] for each, times in _rollouts().items() if times != before[each]}
        as_meant = rolled == dict.fromkeys(meant, 1)
        wrong += not as_meant
        print(f"{'as meant' if as_meant else 'WRONG   '}  {name}, {key}: rollouts {rolled}")
    sys.exit(f"{wrong} not as meant" if wrong else 0)


if __name__ == "__main__":
    main()
