"""The Jobs of `make smoke`, `smoke-ticket`, `schema-check` and `erase`, with the image that runs.

A rollback in Argo CD's UI runs no hooks, and the image that runs then is not the one in Git.

The smoke test's Job has the hook's name, so that there is one at a time and the alert on it ends, and says that it is a
hook, too: a Job of a hook's name that does not say so Argo CD prunes within a second (gitops-engine,
`GetManagedLiveObjs`). The other Jobs have names of their own, which Argo CD leaves alone.
"""

from __future__ import annotations

import getpass
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

OVERLAYS = Path(__file__).parent / "overlays"


def smoke_job(environment: str, image: str) -> str:
    """The Job's YAML, its container running *image*."""
    job = _named(environment, "ai-agents-smoke")
    job["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return yaml.safe_dump(job, sort_keys=False)


def schema_job(environment: str, image: str) -> str:
    """A Job that compares the database with what *image* wants, as the migration's: it changes nothing."""
    job = _named(environment, "ai-agents-migrate")
    del job["metadata"]["annotations"]
    job["metadata"]["name"] = "ai-agents-schema-check"
    # One that failed and stays is an alert of kube-prometheus, which never ends.
    job["spec"] |= {"backoffLimit": 0, "ttlSecondsAfterFinished": 720}
    container = job["spec"]["template"]["spec"]["containers"][0]
    container["image"], container["args"] = image, ["migrate", "--check"]
    return yaml.safe_dump(job, sort_keys=False)


def ticket_job(environment: str, image: str, slug: str, ticket_id: str) -> str:
    """A Job that checks the real help desk of the tenant *slug* on one ticket.

    It is the sync's pod, which can reach the help desk, the ledger and the public URL, with the webhook's secret added.
    It uses no ConfigMap with a hash in its name: after a rollback that of this checkout may not exist.
    """
    cron_job, hook = _named(environment, "ai-agents-sync"), _named(environment, "ai-agents-smoke")
    spec = cron_job["spec"]["jobTemplate"]["spec"]
    spec["activeDeadlineSeconds"] = 300
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    public = next(each for each in hook["spec"]["template"]["spec"]["containers"][0]["args"] if "--public-url" in each)
    container["image"] = image
    container["args"] = ["smoke", f"--tenant={slug}", f"--ticket={ticket_id}", public.replace("--public-url", "--url")]
    container["envFrom"] = [{"secretRef": {"name": "database-worker"}}]
    by_proxy = [each for each in container.get("env", []) if each["name"] in {"HTTPS_PROXY", "NO_PROXY"}]
    container["env"] = [{"name": "INSTANCES_DIR", "value": "/etc/ai-agents/instances"}, *by_proxy]
    (volume,) = (each for each in pod["volumes"] if each["name"] == "tenant-secrets")
    help_desks = {"name": volume.pop("secret")["secretName"]}
    items = [
        {"key": f"{owner}.webhook.json", "path": f"{owner}.webhook.json"} for owner in _secret_owners(environment, slug)
    ]
    # Optional: an account has no secret of its own beside its instance's, as a rule.
    webhook = {"name": "tenant-secrets-api", "items": items, "optional": True}
    volume["projected"] = {"defaultMode": 0o440, "sources": [{"secret": help_desks}, {"secret": webhook}]}
    metadata = {"name": "ai-agents-smoke-ticket", **{key: cron_job["metadata"][key] for key in ("namespace", "labels")}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
    return yaml.safe_dump(job, sort_keys=False)


def erase_job(environment: str, image: str, tenant: str) -> str:
    """A Job that erases what is stored of *tenant*, a slug or an id: `ai-agents tenants erase`.

    It is the sync's pod, which can reach the database and Redis, with the owner's URL and no secret of a tenant. The
    tenants' files are those that run, so an active tenant is refused. What it did is recorded under who made it.
    """
    cron_job = _named(environment, "ai-agents-sync")
    spec = cron_job["spec"]["jobTemplate"]["spec"]
    pod = spec["template"]["spec"]
    pod.pop("initContainers", None)
    container = pod["containers"][0]
    container["image"] = image
    container["args"] = ["tenants", "erase", "--yes", *(["--id", tenant] if _is_id(tenant) else ["--", tenant])]
    container["envFrom"] = [{"secretRef": {"name": name}} for name in ("database-owner", "redis")]
    container["env"] = [
        {"name": "INSTANCES_DIR", "value": "/etc/ai-agents/instances"},
        {"name": "LOGNAME", "value": getpass.getuser()},
    ]
    kept = {"tmp", "tenants", "instances", "database-ca"}
    pod["volumes"] = [each for each in pod["volumes"] if each["name"] in kept]
    container["volumeMounts"] = [each for each in container["volumeMounts"] if each["name"] in kept]
    metadata = {"name": "ai-agents-erase", **{key: cron_job["metadata"][key] for key in ("namespace", "labels")}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
    return yaml.safe_dump(job, sort_keys=False)


def _is_id(tenant: str) -> bool:
    try:
        UUID(tenant)
    except ValueError:
        return False
    return True


def _secret_owners(environment: str, slug: str) -> list[str]:
    """Whose webhook secrets serve the tenant *slug*: its own, and those of the instance that its file names."""
    path = OVERLAYS / environment / "foundation/tenants" / f"{slug}.yaml"
    if not path.is_file():
        sys.exit(f"there is no tenant {slug}: {path} is missing")
    instance = yaml.safe_load(path.read_text("utf-8")).get("servicedesk", {}).get("instance")
    return [slug, instance] if instance else [slug]


def _named(environment: str, name: str) -> dict[str, Any]:
    kubectl = Path(sysconfig.get_path("scripts")) / "kubectl"
    command = [kubectl, "kustomize", OVERLAYS / environment / "workload"]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    found: dict[str, Any] = next(
        each
        for each in yaml.safe_load_all(rendered.stdout)
        if each["metadata"]["name"] == name and each["kind"] in {"Job", "CronJob"}
    )
    return found


if __name__ == "__main__":
    match sys.argv[1:]:
        case [environment, image] if "/" in image:
            sys.stdout.write(smoke_job(environment, image))
        case [environment, image, "schema"] if "/" in image:
            sys.stdout.write(schema_job(environment, image))
        case [environment, image, what] if "/" in image and what.startswith("erase=") and what != "erase=":
            sys.stdout.write(erase_job(environment, image, what.removeprefix("erase=")))
        case [environment, image, slug, ticket] if "/" in image:
            sys.stdout.write(ticket_job(environment, image, slug, ticket))
        case _:
            sys.exit(
                "usage: smoke_by_hand.py ENVIRONMENT IMAGE [schema | erase=SLUG_OR_ID | SLUG TICKET]:"
                " is it where kubectl talks to?"
            )
