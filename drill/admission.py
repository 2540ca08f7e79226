"""`python -m drill.admission`: who may do what in the namespaces, asked of the API server where production is deployed.

Nothing is changed but in namespaces that this makes and deletes: the rest are dry runs, which admission sees as the real.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import yaml

from drill.api import Object

_CONTROLLER = "system:serviceaccount:kube-system:{}-controller".format
ARGO_CD = "system:serviceaccount:argocd:argocd-application-controller"
GIT, LET_IN = "in Git", ""
_METADATA = {"name": "by-hand", "namespace": "production", "labels": {"app": "by-hand"}}


def kubectl(*arguments: str, user: str = "", given: object = None) -> tuple[int, str]:
    command = ["kubectl", *arguments, *(["--as", user] if user else [])]
    text = None if given is None else json.dumps(given)
    done = subprocess.run(command, capture_output=True, text=True, input=text, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def of(kind: str, name: str) -> Object:
    """What is there, as one would send it again."""
    found: Object = json.loads(kubectl("--namespace", "production", "get", kind, name, "--output", "json")[1])
    found.pop("status", None)
    for key in (
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
        "generation",
        "ownerReferences",
        "annotations",
    ):
        found["metadata"].pop(key, None)
    return found


def copied(kind: str, name: str, **labels: str) -> Object:
    """Another of that kind, with what pods of ours must have."""
    made = of(kind, name)
    made["metadata"] = {**_METADATA, "labels": {**made["metadata"].get("labels", {}), **labels}}
    return made


def pod(**more: object) -> Object:
    """A pod of ours, beside Git."""
    spec = of("deployment", "ai-agents-api")["spec"]["template"]["spec"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**_METADATA, **more}, "spec": spec}


def job(component: str) -> Object:
    made = of("job", "ai-agents-migrate")
    spec = {
        "template": {**made["spec"]["template"], "metadata": {"labels": {"app.kubernetes.io/component": component}}}
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": _METADATA, "spec": spec}


def first_pod(component: str) -> str:
    return kubectl("--namespace", "production", "get", "pods", "--selector", f"app.kubernetes.io/component={component}",
                   "--field-selector", "status.phase=Running", "--output", "name")[1].split()[0].removeprefix("pod/")  # fmt: skip


def revision_of_another_image(image: str) -> str:
    """The workers' newest: the last one may differ by a rotated secret alone, and that rollback is a restart."""
    found = json.loads(kubectl("--namespace", "production", "get", "replicasets", "--output=json",
                               "--selector=app.kubernetes.io/component=worker")[1])["items"]  # fmt: skip
    return str(max(int(each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]) for each in found
                   if each["spec"]["template"]["spec"]["containers"][0]["image"] != image))  # fmt: skip


def tries() -> list[tuple[str, str, list[str], object]]:
    """Words that the answer must have (none: let in), as whom, the command, what it is given."""
    api, create, worker = first_pod("api"), ["create", "--filename=-"], "deployment/ai-agents-worker"
    image = of("deployment", "ai-agents-api")["spec"]["template"]["spec"]["containers"][0]["image"]
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _METADATA,
        "spec": {"podSelector": {}},
    }
    owner = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "any", "uid": "any", "controller": True}]
    elsewhere = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "ports": [{"port": 8000}],
                 "endpoints": [{"addresses": ["10.0.0.9"]}],
                 "metadata": {**_METADATA, "labels": {"kubernetes.io/service-name": "ai-agents-api"}}}  # fmt: skip
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": api, "namespace": "production"}}
    replica_set = copied("deployment", "ai-agents-api")
    replica_set["kind"] = "ReplicaSet"
    for key in ("strategy", "progressDeadlineSeconds", "revisionHistoryLimit"):
        replica_set["spec"].pop(key, None)

    def patch(what: str, change: object, kind: str = "merge") -> list[str]:
        return ["patch", what, "--type", kind, "--patch", json.dumps(change)]

    found: list[tuple[str, str, list[str], object]] = [
        # What a person adds or changes.
        (GIT, "", create, policy),
        (GIT, "", create, elsewhere),
        (GIT, "", ["delete", "networkpolicy", "default-deny"], None),
        (GIT, "", ["delete", "networkpolicies", "--all"], None),
        (GIT, "", patch("networkpolicy/default-deny", {"spec": {"egress": [{}]}}), None),
        (GIT, "", create, pod()),
        (GIT, "", create, pod(ownerReferences=owner)),
        (GIT, "", create, copied("deployment", "ai-agents-api")),
        (GIT, "", create, replica_set),
        (GIT, "", create, copied("cronjob", "ai-agents-sync")),
        (GIT, "", create, {**replica_set, "kind": "DaemonSet", "spec": {
            key: value for key, value in replica_set["spec"].items() if key != "replicas"}}),
        ("by hand", "", create, job("api")),
        (GIT, "", ["label", "pod", api, "--overwrite", "app.kubernetes.io/component=worker"], None),
        (GIT, "", ["label", "pod", api, "app.kubernetes.io/component-"], None),
        (GIT, "", ["set", "image", worker, f"worker={image.partition('@')[0]}:1.2.3"], None),
        (GIT, "", ["set", "env", worker, "TENANTS_DIR=/tmp"], None),
        (GIT, "", ["set", "serviceaccount", worker, "smoke-sa"], None),
        (GIT, "", ["rollout", "undo", worker, "--to-revision", revision_of_another_image(image)], None),
        (GIT, "", patch("configmap/tenants", {"data": {"other.yaml": "slug: other"}}), None),
        (GIT, "", patch("service/ai-agents-api", {"spec": {"selector": {"app": "other"}}}), None),
        (GIT, "", patch("externalsecret/redis", {"spec": {"refreshInterval": "1s"}}), None),
        (GIT, "", patch("scaledobject/ai-agents-worker", {"spec": {"minReplicaCount": 0}}), None),
        (GIT, "", patch("httproute/ai-agents", {"spec": {"hostnames": ["other.example"]}}), None),
        (GIT, "", patch("gateway/ai-agents", {"spec": {"gatewayClassName": "other"}}), None),
        ("denied request", "", ["debug", api, "--copy-to=by-hand", f"--image={image}", "--profile=restricted"], None),
        ("AWS Secrets Manager", "", ["create", "secret", "generic", "by-hand", "--from-literal=a=b"], None),
        ("own registry", "", ["debug", api, "--image=docker.io/library/busybox:1.37.0", "--profile=restricted"], None),
        ("image of that pod", "", ["debug", api, f"--image={image.partition('@')[0]}:1.2.3", "--profile=restricted"], None),
        # What runbooks do, and what happens to pods.
        (LET_IN, "", create, job("sync")),
        (LET_IN, "", ["create", "job", "--from=cronjob/ai-agents-sync", "by-hand"], None),
        (LET_IN, "", ["delete", "pod", api, "--wait=false"], None),
        (LET_IN, "", ["delete", "job", "ai-agents-smoke", "--wait=false"], None),
        (LET_IN, "", ["delete", "deployment", "ai-agents-api", "--wait=false"], None),
        (LET_IN, "", ["create", "--raw", f"/api/v1/namespaces/production/pods/{api}/eviction?dryRun=All", "--filename=-"], eviction),
        (LET_IN, "", ["drain", "drill", "--ignore-daemonsets", "--delete-emptydir-data", "--force"], None),
        (LET_IN, "", ["scale", worker, "--replicas=5"], None),
        (LET_IN, "", patch(worker, {"spec": {"template": {"metadata": {"annotations": {
            "kubectl.kubernetes.io/restartedAt": "now"}}}}}), None),
        (LET_IN, "", ["debug", api, f"--image={image}", "--profile=restricted"], None),
        (LET_IN, "", ["annotate", "externalsecret", "redis", "force-sync=1", "--overwrite"], None),
        (LET_IN, "", ["label", "deployment", "ai-agents-api", "seen=yes"], None),
        (LET_IN, "", ["annotate", "pod", api, "seen=yes"], None),
        (LET_IN, "", patch("configmap/smoke-results", {"data": {"report.json": "{}"}}), None),
        (LET_IN, "", patch("cronjob/ai-agents-sync", {"spec": {"suspend": True}}), None),
        # Whom the cluster has: each by the account of its own, or all by one.
        (LET_IN, _CONTROLLER("deployment"), create, replica_set),
        (LET_IN, _CONTROLLER("replicaset"), create, pod(ownerReferences=owner)),
        (LET_IN, _CONTROLLER("job"), create, pod(ownerReferences=owner)),
        (LET_IN, _CONTROLLER("cronjob"), create, job("sync")),
        (GIT, _CONTROLLER("statefulset"), create, pod(ownerReferences=owner)),
        (GIT, _CONTROLLER("daemon-set"), create, pod(ownerReferences=owner)),
        (LET_IN, _CONTROLLER("endpointslice"), create, elsewhere),
        # Operators and Argo CD.
        (LET_IN, "system:serviceaccount:external-secrets:external-secrets",
         patch("externalsecret/redis", {"metadata": {"finalizers": ["drill.example/any"]}}), None),
        (LET_IN, "system:serviceaccount:keda:keda-operator",
         patch("scaledobject/ai-agents-worker", {"metadata": {"labels": {"scaledobject.keda.sh/name": "any"}}}), None),
        (LET_IN, "system:serviceaccount:cert-manager:cert-manager",
         ["create", "secret", "generic", "by-hand", "--from-literal=a=b"], None),
        (LET_IN, "system:serviceaccount:reloader:reloader-reloader", patch(worker, {"spec": {"template": {"metadata": {
            "annotations": {"reloader.stakater.com/last-reloaded-from": "any"}}}}}), None),
        (GIT, "system:serviceaccount:argocd:argocd-server", patch(worker, {"spec": {"template": {"spec": {
            "serviceAccountName": "smoke-sa"}}}}), None),
        (LET_IN, ARGO_CD, create, policy),
        (LET_IN, ARGO_CD, ["delete", "networkpolicy", "default-deny"], None),
        (LET_IN, ARGO_CD, ["set", "env", worker, "TENANTS_DIR=/tmp"], None),
    ]  # fmt: skip
    return found


def dry_runs() -> int:
    wrong = 0
    for wanted, user, command, given in tries():
        dry = [] if command[0] in {"get", "debug"} or "--raw" in command else ["--dry-run=server"]
        code, said = kubectl("--namespace", "production", *command, *dry, user=user, given=given)
        is_right = code == 0 if wanted == LET_IN else code != 0 and wanted in said
        wrong += not is_right
        what = given["kind"] if isinstance(given, dict) else ""
        print(f"{'as meant' if is_right else 'WRONG':9} {'let in ' if code == 0 else 'refused'} {user.rpartition(':')[2]:33} "
              f"{' '.join(command)[:110]} {what}", flush=True)  # fmt: skip
        if not is_right or os.environ.get("VERBOSE"):
            print(f"          {said[-600:]}")
    return wrong


def namespace_ends() -> int:
    """A namespace under our policies, with what Argo CD made there, goes as a whole; and what it owns goes with its owner."""
    name = f"drill-{int(time.time())}"
    kubectl("create", "--filename=-", given={"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": name, "labels": {"ai-agents/policies": "enforced"}}})  # fmt: skip
    kubectl("--namespace", name, "wait", "--for=create", "serviceaccount/default", "--timeout=30s")
    for kind, of_name in (
        ("networkpolicy", "default-deny"),
        ("deployment", "ai-agents-api"),
        ("cronjob", "ai-agents-sync"),
    ):
        made = copied(kind, of_name)
        made["metadata"]["namespace"] = name
        code, said = kubectl("create", "--filename=-", user="", given=made)
        if code == 0:
            print(f"WRONG     let in by hand in {name}: {kind}")
            return 1
        if kind != "networkpolicy":
            made["spec"].get("template", made["spec"].get("jobTemplate", {}).get("spec", {}).get("template"))["spec"][
                "serviceAccountName"
            ] = "default"
        code, said = kubectl("create", "--filename=-", given=made, user=ARGO_CD)
        if code:
            print(f"WRONG     {kind} by Argo CD: {said}")
            return 1
    code, said = kubectl(
        "--namespace", name, "wait", "--for=jsonpath={.items[0].metadata.name}", "pods", "--timeout=60s"
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not kubectl("--namespace", name, "get", "pods", "--output", "name")[
        1
    ].startswith("pod/"):
        time.sleep(1)
    pods = kubectl("--namespace", name, "get", "pods", "--output", "name")[1]
    code, said = kubectl(
        "--namespace", name, "delete", "deployment", "by-hand", "--cascade=foreground", "--timeout=90s", user=ARGO_CD
    )
    print(
        f"{'as meant' if pods.startswith('pod/') else 'WRONG':9} controllers made {pods!r}; deleted with its owner: {code == 0}"
    )
    began = time.monotonic()
    code2, said = kubectl("delete", "namespace", name, "--timeout=120s")
    print(
        f"{'as meant' if not code2 else 'WRONG':9} the namespace went in {time.monotonic() - began:.0f} s {said[-300:] if code2 else ''}"
    )
    return (not pods.startswith("pod/")) + bool(code) + bool(code2)


def refusals() -> int:
    """Whom our rules refused since the rig began: persons, by what is tried here and in the walk, and nobody else."""
    found: collections.Counter[tuple[str, ...]] = collections.Counter()
    for line in (Path(os.environ["DRILL_FOLDER"]) / "run/audit.log").read_text("utf-8").splitlines():
        event = json.loads(line)
        said = event.get("responseStatus", {}).get("message", "")
        if (
            "ValidatingAdmissionPolicy" in said
            and "dryRun" not in event["requestURI"]
            and "impersonatedUser" not in event
        ):
            found[
                event["user"]["username"], event["verb"], event["objectRef"]["resource"], said.rpartition(": ")[2]
            ] += 1
    wrong = {key: number for key, number in found.items() if key[0] != "admin"}
    for key, number in wrong.items():
        print(f"WRONG     refused {number} times: {' '.join(key)}")
    print(f"{sum(found.values())} writes were refused, {len(wrong)} kinds of them were no person's")
    return len(wrong)


def type_checking() -> int:
    found = yaml.safe_load(kubectl("get", "validatingadmissionpolicies", "--output", "yaml")[1])["items"]
    warnings = 0
    for each in found:
        for warning in each.get("status", {}).get("typeChecking", {}).get("expressionWarnings", []):
            warnings += 1
            print(f"WARNING   {each['metadata']['name']} {warning['fieldRef']}: {warning['warning']}")
    print(f"{len(found)} policies type-checked, {warnings} warnings")
    return warnings


def main() -> None:
    wrong = dry_runs() + namespace_ends() + refusals() + type_checking()
    sys.exit(f"{wrong} not as meant" if wrong else 0)


if __name__ == "__main__":
    main()
