"""`make smoke`: the hook's Job, made by a person."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import pytest
import yaml

from app.settings import EraseSettings
from tests.manifests.environment import variables
from tests.manifests.example_tenant import add_example_tenant
from tests.manifests.project import ROOT, add_components, copy_project, project, settings, take_options_away
from tests.manifests.references import missing_references
from tests.manifests.rendering import FOUNDATION, PRODUCTION, WORKLOAD, Object, hook_of, of_kind, render
from tests.manifests.validity import invalid
from tests.policies.admission import policies_in
from tests.workflows.commands import program, run

IMAGE = "registry.example/ai-agents@sha256:" + "1" * 64
BY_HAND = runpy.run_path(str(project() / "kustomize/smoke_by_hand.py"))


def refusals(job: Object) -> list[str]:
    """What admission says when a person makes *job*, but for its image, which is of no registry of ours here."""
    made = {"operation": "CREATE", "userInfo": {"username": "somebody"}, "object": job}
    review = {"kind": "AdmissionReview", "request": made}
    found = [found for policy in policies_in(render("policies")) for found in policy.objections(review)]
    return [each for each in found if "every image" not in each]


def test_the_job_is_the_hooks_with_the_image_that_runs() -> None:
    """One of that name which says it is no hook was pruned by Argo CD within a second, while automation was on."""
    job = yaml.safe_load(BY_HAND["smoke_job"]("production", IMAGE))

    hook = next(each for each in of_kind(render(WORKLOAD), "Job") if each["metadata"]["name"] == "ai-agents-smoke")
    assert invalid([job]) == []
    assert hook_of(hook) == "PostSync"
    assert hook_of(job) == "PostSync"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE
    assert container["args"] == hook["spec"]["template"]["spec"]["containers"][0]["args"]
    assert refusals(job) == []


def test_the_schema_is_looked_at_by_the_migration_s_pod_which_then_changes_nothing() -> None:
    job = yaml.safe_load(BY_HAND["schema_job"]("production", IMAGE))

    assert invalid([job]) == []
    assert (job["metadata"]["name"], hook_of(job)) == ("ai-agents-schema-check", None)
    assert missing_references([job], earlier=render(FOUNDATION)) == []
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["migrate", "--check"]
    assert container["envFrom"] == [{"secretRef": {"name": "database-owner"}}]
    assert refusals(job) == []
    assert job["spec"]["ttlSecondsAfterFinished"] < 15 * 60, "KubeJobFailed would tell of it for ever"


def test_a_person_may_make_the_sync_s_job() -> None:
    (cron_job,) = (each for each in of_kind(render(WORKLOAD), "CronJob"))
    assert refusals({"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, **cron_job["spec"]["jobTemplate"]}) == []


@pytest.mark.parametrize(
    ("slug", "owners"),
    [("acme", ["acme.webhook.json"]), ("globex", ["globex.webhook.json", "main.webhook.json"])],
)
def test_a_real_help_desk_is_checked_from_where_it_is_reached_with_what_it_takes(
    tmp_path: Path, slug: str, owners: list[str]
) -> None:
    copy_project(tmp_path)
    add_example_tenant(tmp_path)
    by_hand = runpy.run_path(str(tmp_path / "kustomize/smoke_by_hand.py"))
    job = yaml.safe_load(by_hand["ticket_job"]("production", IMAGE, slug, "100234"))

    assert invalid([job]) == []
    assert missing_references([job], earlier=render(PRODUCTION, root=tmp_path)) == []
    refusals = [found for policy in policies_in(render("policies")) for found in policy.objections(job)]
    assert [each for each in refusals if "every image" not in each] == []
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"] == ["smoke", f"--tenant={slug}", "--ticket=100234", f"--url=https://{settings()['host']}"]
    assert container["envFrom"] == [{"secretRef": {"name": "database-worker"}}]
    assert container["env"][0] == {"name": "INSTANCES_DIR", "value": "/etc/ai-agents/instances"}
    assert {each["name"] for each in container["env"][1:]} <= {"HTTPS_PROXY", "NO_PROXY"}
    (volume,) = (each["projected"] for each in pod["volumes"] if each["name"] == "tenant-secrets")
    help_desks, webhooks = (each["secret"] for each in volume["sources"])
    assert help_desks == {"name": "tenant-secrets-worker"}
    assert [item["path"] for item in webhooks["items"]] == owners, "of no other client"
    assert pod["restartPolicy"] == "Never"


GONE = "0b9d5c3e-8a41-4b8e-9a67-3f1f3a5b7c02"


@pytest.mark.parametrize(("tenant", "arguments"), [("acme", ["--", "acme"]), (GONE, ["--id", GONE])])
def test_a_tenant_is_erased_from_where_database_and_redis_are_reached_by_their_owner(
    tenant: str, arguments: list[str]
) -> None:
    job = yaml.safe_load(BY_HAND["erase_job"]("production", IMAGE, tenant))

    assert invalid([job]) == []
    assert (job["metadata"]["name"], hook_of(job)) == ("ai-agents-erase", None)
    assert missing_references([job], earlier=render(FOUNDATION)) == []
    assert refusals(job) == []
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"] == ["tenants", "erase", "--yes", *arguments]
    assert container["image"] == IMAGE
    given = variables(container, render(FOUNDATION))
    needed = {name.upper() for name, field in EraseSettings.model_fields.items() if field.is_required()}
    assert needed <= given.keys()
    assert "LOGNAME" in given, "the act is recorded under a person, not under the pod's user"
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in pod["volumes"]}
    assert mounted - {"database-ca"} == {"tmp", "tenants", "instances"}, "no tenant's secret"
    own = job["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]
    for name in ("database", "redis"):
        (policy,) = (each for each in of_kind(render(FOUNDATION), "NetworkPolicy") if each["metadata"]["name"] == name)
        (chosen,) = policy["spec"]["podSelector"]["matchExpressions"]
        assert own in chosen["values"], "it is let out to both"


def test_a_tenant_is_erased_in_a_database_that_is_verified(tmp_path: Path) -> None:
    """The owner's URL names the authority's file: without it there was no connection."""
    copy_project(tmp_path)
    take_options_away(tmp_path)
    (tmp_path / "kustomize/components/database-ca/foundation/ca.pem").write_text("a certificate\n", "utf-8")
    add_components(tmp_path, WORKLOAD, "database-ca/workload")
    add_components(tmp_path, FOUNDATION, "database-ca/foundation")
    by_hand = runpy.run_path(str(tmp_path / "kustomize/smoke_by_hand.py"))
    job = yaml.safe_load(by_hand["erase_job"]("production", IMAGE, "acme"))

    assert missing_references([job], earlier=render(FOUNDATION, root=tmp_path)) == []
    (container,) = job["spec"]["template"]["spec"]["containers"]
    mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert mounted["database-ca"] == "/etc/ai-agents/database-ca"


@pytest.mark.parametrize(("typed", "is_made"), [("acme", True), ("acne", False), ("", False)])
def test_nothing_is_erased_before_its_name_was_typed_again(tmp_path: Path, typed: str, is_made: bool) -> None:
    program(
        tmp_path,
        "kubectl",
        f"""case "$*" in
    *" get deployment "*) echo {IMAGE} ;;
    *" get job/"*) echo Complete ;;
    *replace*) cat >{tmp_path}/made ;;
esac
""",
    )

    path = f"{tmp_path}:{os.environ['PATH']}"
    made = ("make", "erase", "TENANT=acme", "--old-file=.venv/.dev-ready")
    result = run(*made, cwd=ROOT, stdin=f"{typed}\n", PATH=path)

    assert (result.returncode == 0, (tmp_path / "made").exists()) == (is_made, is_made), result.stderr
    assert is_made or "Nothing was erased." in result.stdout


def test_a_real_help_desk_is_called_by_the_proxy_where_there_is_no_other_way_out(tmp_path: Path) -> None:
    copy_project(tmp_path)
    take_options_away(tmp_path)
    add_components(tmp_path, WORKLOAD, "proxy")
    add_example_tenant(tmp_path)
    by_hand = runpy.run_path(str(tmp_path / "kustomize/smoke_by_hand.py"))
    job = yaml.safe_load(by_hand["ticket_job"]("production", IMAGE, "acme", "100234"))

    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in container["env"]] == ["INSTANCES_DIR", "HTTPS_PROXY", "NO_PROXY"]


@pytest.mark.parametrize(
    ("conditions", "is_passed"), [("SuccessCriteriaMet Complete", True), ("FailureTarget Failed", False)]
)
def test_a_job_by_hand_is_waited_for_until_it_passes_or_fails_and_its_log_is_shown(
    tmp_path: Path, conditions: str, is_passed: bool
) -> None:
    """`kubectl wait --for=condition=complete` waits for the whole time limit on a Job that has failed."""
    program(
        tmp_path,
        "kubectl",
        f"""echo "$*" >>{tmp_path}/told
case "$*" in
    *" get deployment "*) echo {IMAGE} ;;
    *" get job/"*) echo {conditions} ;;
    *" logs "*) echo "the log" ;;
    *replace*) cat >/dev/null ;;
esac
""",
    )

    path = f"{tmp_path}:{os.environ['PATH']}"
    result = run("make", "smoke", "ENVIRONMENT=staging", "--old-file=.venv/.dev-ready", cwd=ROOT, PATH=path)

    assert (result.returncode == 0) == is_passed, result.stderr
    assert "the log" in result.stdout
    (wait,) = (each for each in (tmp_path / "told").read_text("utf-8").splitlines() if " wait " in each)
    assert "--for=jsonpath={.status.conditions}" in wait
