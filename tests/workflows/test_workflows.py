"""The workflows do little by themselves: each step is a make target, each action is pinned, each job has its rights."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.workflows.commands import ROOT, git, program, run

FOLDER: Final = ROOT / ".github" / "workflows"
FILES: Final = sorted(FOLDER.glob("*.yaml"))
ZIZMOR: Final = Path(sysconfig.get_path("scripts")) / "zizmor"

RULESETS: Final = ROOT / ".github" / "rulesets"
TENANTS: Final = "kustomize/overlays/*/foundation/tenants/**"

# Who may push to the branches `release-…`, by the deploy key of its environment.
PUSHERS: Final = {("release", "branch"), ("tenants", "branch"), ("promote", "branch")}
# Who may do more than read, and why it must.
WRITES: Final = {
    ("release", "image"): {"id-token", "attestations"},
    ("preview", "comment"): {"pull-requests"},
}

Workflow = dict[str, Any]


def _workflow(path: Path) -> Workflow:
    loaded: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {**loaded, "on": loaded[True]}  # YAML 1.1 reads `on` as a truth


def _steps(workflow: Workflow) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def _targets(makefile: Path = ROOT / "Makefile") -> set[str]:
    return set(re.findall(r"^([a-z][a-z0-9-]*):", makefile.read_text(encoding="utf-8"), re.MULTILINE))


def test_there_are_these_workflows() -> None:
    assert [path.stem for path in FILES] == ["ci", "e2e", "faults", "preview", "promote", "release", "tenants"]


def test_what_looks_for_weaknesses_runs_for_each_pull_request() -> None:
    workflow = _workflow(FOLDER / "ci.yaml")

    assert {"make audit", "make sbom", "make scan"} <= {each.get("run") for each in _steps(workflow)}
    assert "pull_request" in str(workflow)


def _audit(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(ZIZMOR, "--offline", "--no-progress", "--persona", "pedantic", folder, cwd=ROOT)


def test_zizmor_finds_nothing() -> None:
    result = _audit(FOLDER)

    assert result.returncode == 0, result.stdout


def test_zizmor_sees_an_action_that_is_not_pinned(tmp_path: Path) -> None:
    text = (FOLDER / "ci.yaml").read_text(encoding="utf-8")
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "ci.yaml").write_text(
        re.sub(r"actions/checkout@\S+ #.*", "actions/checkout@v7", text), encoding="utf-8"
    )

    result = _audit(tmp_path)

    assert result.returncode != 0
    assert "unpinned-uses" in result.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_allowed_but_what_each_job_needs(path: Path) -> None:
    workflow = _workflow(path)

    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        writes = {scope for scope, right in job["permissions"].items() if right == "write"}
        assert writes == WRITES.get((path.stem, name), set()), name
        assert set(job["permissions"].values()) <= {"read", "write"}, name
        assert job["timeout-minutes"] <= (90 if name == "e2e" else 60), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_action_is_a_commit_with_its_version(path: Path) -> None:
    uses = re.findall(r"^ +(?:- )?uses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)

    assert len(uses) == sum("uses" in step for step in _steps(_workflow(path)))
    for each in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


def test_one_action_is_one_version_everywhere() -> None:
    uses = {step["uses"] for path in FILES for step in _steps(_workflow(path)) if "uses" in step}

    assert len({each.partition("@")[0] for each in uses}) == len(uses)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_command_is_a_make_target_that_exists(path: Path) -> None:
    for step in _steps(_workflow(path)):
        if command := step.get("run"):
            assert re.fullmatch(r"make [a-z0-9-]+", command), command
            assert command.removeprefix("make ") in _targets(), command


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_only_the_job_that_pushes_keeps_the_token_of_its_checkout(path: Path) -> None:
    for name, job in _workflow(path)["jobs"].items():
        [checkout] = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert checkout["with"]["persist-credentials"] is ((path.stem, name) in PUSHERS)


def test_code_of_a_pull_request_never_meets_the_right_to_write() -> None:
    jobs = _workflow(FOLDER / "preview.yaml")["jobs"]

    assert jobs["comment"]["steps"][0]["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert jobs["comment"]["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    assert jobs["render"]["permissions"] == {"contents": "read"}
    for path in FILES:
        assert not {"pull_request_target", "workflow_run"} & set(_workflow(path)["on"]), path


def test_ci_tries_installations_that_are_not_what_is_checked_in() -> None:
    """A test that counts on unset values keeps whoever has filled them from a release."""
    assert "make test-installations" in {step.get("run") for step in _steps(_workflow(FOLDER / "ci.yaml"))}
    assert "\nmake test-installations\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_releases_do_not_overtake_and_nothing_else_writes_the_branch() -> None:
    workflow = _workflow(FOLDER / "release.yaml")

    assert workflow["on"] == {"push": {"branches": ["main"], "paths-ignore": [TENANTS]}}
    assert workflow["concurrency"] == {"group": "release", "cancel-in-progress": False}
    assert workflow["jobs"]["branch"]["needs"] == "image"
    assert workflow["jobs"]["image"]["needs"] == "test"


def test_only_the_key_of_the_release_jobs_moves_the_branch() -> None:
    """No token of a workflow may: a ruleset keeps the branch from all but deploy keys, and GitHub the key for main."""
    holders = {
        (path.stem, name): job.get("environment")
        for path in FILES
        for name, job in _workflow(path)["jobs"].items()
        if "secrets." in json.dumps(job)
    }

    assert holders == {
        ("release", "branch"): "release",
        ("tenants", "branch"): "tenants",
        ("promote", "branch"): "${{ matrix.environment }}",
    }
    for file, name in PUSHERS:
        job = _workflow(FOLDER / f"{file}.yaml")["jobs"][name]
        assert job["permissions"] == {"contents": "read"}
        assert job["steps"][0]["with"]["ssh-key"] == "${{ secrets.RELEASE_KEY }}"
    ruleset = json.loads((RULESETS / "release.json").read_text(encoding="utf-8"))
    assert ruleset["bypass_actors"] == [{"actor_id": None, "actor_type": "DeployKey", "bypass_mode": "always"}]
    assert ruleset["conditions"]["ref_name"] == {"include": ["refs/heads/release-*"], "exclude": []}
    assert {rule["type"] for rule in ruleset["rules"]} == {"creation", "update", "deletion", "non_fast_forward"}


def test_main_takes_what_was_reviewed_and_passed_every_job_of_ci() -> None:
    ruleset = json.loads((RULESETS / "main.json").read_text(encoding="utf-8"))
    rules = {rule["type"]: rule.get("parameters") for rule in ruleset["rules"]}
    checks = {check["context"] for check in rules["required_status_checks"]["required_status_checks"]}

    assert checks == {job["name"] for job in _workflow(FOLDER / "ci.yaml")["jobs"].values()}
    assert rules["pull_request"]["require_code_owner_review"]
    assert ruleset["bypass_actors"] == []
    assert {path.stem for path in RULESETS.glob("*.json")} == {"main", "release"}


# gh, and what GitHub would answer: a branch has the rules that were sent for it.
GH: Final = """
echo "$*" >>{state}/calls
case "$*" in
    "repo view"*) echo owner/name ;;
    "repo deploy-key add"*) touch {state}/deploy-key ;;
    "secret list --env "*) [ ! -e {state}/secret-$4 ] || echo RELEASE_KEY ;;
    "secret set RELEASE_KEY --env "*) cat >{state}/secret-$5 ;;
    *"--method POST repos/owner/name/rulesets "*) cp "$7" {state} ;;
    "api repos/owner/name/rulesets --jq "*main*) [ ! -e {state}/main.json ] || echo 1 ;;
    "api repos/owner/name/rulesets --jq "*release*) [ ! -e {state}/release.json ] || echo 2 ;;
    "api repos/owner/name/rules/branches/"*)
        branch=$(basename "$2")
        file={state}/${{branch%%-*}}.json
        [ ! -e "$file" ] || jq --raw-output '.rules[].type' "$file" ;;
    *"--method PUT repos/owner/name/environments/"*) cat >{state}/environment-$(basename "$5") ;;
    "api --silent repos/owner/name/environments/"*) [ -e {state}/environment-$(basename "$3") ] ;;
    "api repos/owner/name/environments/"*)
        ! grep -q reviewers {state}/environment-$(basename "$2") || echo required_reviewers ;;
    "api orgs/owner/teams/operations "*) echo '"type": "Team", "id": 7' ;;
    "api orgs/owner/teams/"*) exit 1 ;;
    "api users/somebody "*) echo '"type": "User", "id": 8' ;;
    "api users/"*) exit 1 ;;
esac
"""


def _project(to: Path, approver: str) -> Path:
    """A project with staging and, after the word of *approver*, production; its own rulesets and script."""
    for folder in ("rulesets", "scripts"):
        shutil.copytree(ROOT / ".github" / folder, to / ".github" / folder)
    for name, follows in (("staging", "none"), ("production", "staging")):
        values = to / "kustomize/overlays" / name / "values/environment.yaml"
        values.parent.mkdir(parents=True)
        values.write_text(f"data:\n  follows: {follows}\n  approver: {approver}\n", encoding="utf-8")
    return to


def _protect(project: Path, state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program(state / "bin", "gh", GH.format(state=state))
    path = f"{state / 'bin'}:/usr/bin:/bin"
    return run(project / ".github/scripts/protect.sh", *arguments, cwd=state, PATH=path)


def test_protection_is_made_kept_and_checked(tmp_path: Path) -> None:
    project = _project(tmp_path / "project", approver="none")

    def protect(*arguments: str) -> subprocess.CompletedProcess[str]:
        return _protect(project, tmp_path, *arguments)

    assert protect("--check").returncode == 1
    made = protect()
    assert made.returncode == 0, made.stderr
    key = (tmp_path / "secret-release").read_text(encoding="utf-8")
    assert "OPENSSH PRIVATE KEY" in key
    for name in ("tenants", "production"):
        assert key == (tmp_path / f"secret-{name}").read_text(encoding="utf-8")
    assert not (tmp_path / "secret-staging").exists(), "it gets each merge by the job `release`"
    calls = (tmp_path / "calls").read_text(encoding="utf-8")
    assert protect().returncode == 0
    again = (tmp_path / "calls").read_text(encoding="utf-8").removeprefix(calls)
    assert "deploy-key" not in again
    assert "POST" not in again
    assert "--method PUT repos/owner/name/rulesets/1" in again
    assert "PUT repos/owner/name/environments" not in again, "it would take the reviewers away"
    assert protect("--check").stdout.splitlines() == [
        "main is protected",
        "release-production is protected",
        "release-staging is protected",
    ]
    (tmp_path / "release.json").unlink()
    gone = protect("--check")
    assert gone.returncode == 1
    assert "release-production is not protected" in gone.stderr


@pytest.mark.parametrize(
    ("approver", "reviewer"), [("operations", {"type": "Team", "id": 7}), ("somebody", {"type": "User", "id": 8})]
)
def test_an_environment_that_names_an_approver_waits_for_it(
    tmp_path: Path, approver: str, reviewer: dict[str, Any]
) -> None:
    project = _project(tmp_path / "project", approver)

    made = _protect(project, tmp_path)

    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-1] == f"production waits for {approver}"
    put = json.loads((tmp_path / "environment-production").read_text(encoding="utf-8"))
    assert put["reviewers"] == [reviewer]
    assert put["deployment_branch_policy"]["custom_branch_policies"] is True
    (tmp_path / "environment-production").write_text("{}", encoding="utf-8")
    gone = _protect(project, tmp_path, "--check")
    assert gone.returncode == 1
    assert "environment production asks nobody to approve" in gone.stderr


def test_an_approver_whom_nobody_knows_is_no_approval(tmp_path: Path) -> None:
    refused = _protect(_project(tmp_path / "project", "nobody-at-all"), tmp_path)

    assert refused.returncode == 1
    assert "nobody-at-all, whom production names" in refused.stderr


# What GitHub answers to the question of a commit's statuses, after --jq.
STATUSES: Final = """
[[ $* == "api --paginate repos/owner/name/commits/abc/status --jq "* ]] || exit 1
jq --raw-output "$5" {answer}
"""


@pytest.mark.parametrize(
    ("states", "context", "planned"),
    [
        ({"staging-foundation": "success", "staging-workload": "success"}, "staging-workload", '["production"]'),
        ({"staging-foundation": "success", "staging-workload": "success"}, "staging-foundation", '["production"]'),
        ({"staging-workload": "success"}, "staging-workload", "[]"),
        ({"staging-foundation": "failure", "staging-workload": "success"}, "staging-workload", "[]"),
        ({"production-foundation": "success", "production-workload": "success"}, "production-workload", "[]"),
        ({"other-foundation": "success", "staging-workload": "success"}, "staging-workload", "[]"),
    ],
)
def test_a_release_goes_on_when_both_its_applications_passed(
    tmp_path: Path, states: dict[str, str], context: str, planned: str
) -> None:
    answer = tmp_path / "answer.json"
    statuses = [{"context": name, "state": state} for name, state in states.items()]
    answer.write_text(json.dumps({"state": "any", "statuses": statuses}), encoding="utf-8")
    program(tmp_path / "bin", "gh", STATUSES.format(answer=answer))
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    project = _project(tmp_path / "project", approver="none")
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Begin")

    result = run(
        project / ".github/scripts/promotable.sh",
        cwd=project,
        PATH=path,
        GITHUB_REPOSITORY="owner/name",
        REVISION="abc",
        CONTEXT=context,
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout == f"environments={planned}\n"


@pytest.mark.parametrize(("name", "planned"), [("production", '["production"]'), ('x"], "y', None), ("../x", None)])
def test_a_person_may_name_the_environment(tmp_path: Path, name: str, planned: str | None) -> None:
    """What may come there `release_branch.py` decides all the same, and who must approve GitHub."""
    script = ROOT / ".github/scripts/promotable.sh"
    result = run(script, cwd=tmp_path, GITHUB_REPOSITORY="owner/name", REVISION="abc", ENVIRONMENT=name)

    assert (result.returncode, result.stdout) == ((0, f"environments={planned}\n") if planned else (1, ""))


def test_a_promotion_runs_main_s_code_at_argo_cd_s_word_and_each_environment_may_ask_for_approval() -> None:
    workflow = _workflow(FOLDER / "promote.yaml")
    plan, branch = workflow["jobs"]["plan"], workflow["jobs"]["branch"]

    assert set(workflow["on"]) == {"status", "workflow_dispatch"}, "which run the default branch's workflow"
    assert "github.event.state == 'success'" in plan["if"]
    assert plan["permissions"] == {"contents": "read", "statuses": "read"}
    assert branch["needs"] == "plan"
    assert branch["concurrency"] == {"group": "promote-to-${{ matrix.environment }}", "cancel-in-progress": True}
    for job in (plan, branch):
        assert "ref" not in job["steps"][0]["with"]


def test_a_merge_of_tenants_files_alone_builds_no_image_and_waits_for_none() -> None:
    workflow = _workflow(FOLDER / "tenants.yaml")

    assert workflow["on"] == {"push": {"branches": ["main"], "paths": [TENANTS]}}
    assert workflow["concurrency"] == {"group": "tenants", "cancel-in-progress": False}
    assert workflow["jobs"]["branch"]["needs"] == "check"
    commands = [step["run"] for step in _steps(workflow) if "run" in step]
    assert commands == ["make test-tenants", "make release-tenants"]
    assert sum(job["timeout-minutes"] for job in workflow["jobs"].values()) <= 20


def test_pipeline_never_speaks_to_the_cluster() -> None:
    for path in (FOLDER / "release.yaml", *(ROOT / ".github" / "scripts").glob("[ir]*.*")):
        if path.stem != "rendered_diff":  # it renders, as every test does
            assert "kubectl" not in path.read_text(encoding="utf-8"), path


def test_released_image_stands_on_a_pinned_base() -> None:
    [step] = [each for each in _steps(_workflow(FOLDER / "release.yaml")) if each.get("run") == "make image-push"]

    assert re.fullmatch(r"docker\.io/library/debian:trixie-slim@sha256:[0-9a-f]{64}", step["env"]["BASE"])
    assert f"\nARG BASE={step['env']['BASE']}\n" in (ROOT / "Containerfile").read_text(encoding="utf-8")


def test_a_private_repository_releases_without_a_paid_plan() -> None:
    """GitHub stores attestations of private repositories for Enterprise Cloud alone; nothing in the cluster asks for one."""
    [attest] = [each for each in _steps(_workflow(FOLDER / "release.yaml")) if "attest" in each.get("uses", "")]

    assert attest["if"] == "github.event.repository.private == false"


def test_renovate_finds_what_it_is_told_to_look_for() -> None:
    config = json.loads((ROOT / ".github" / "renovate.json").read_text(encoding="utf-8"))
    folders = (".github", "argocd", "kustomize")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.yaml")]
    names = ["Makefile", "Containerfile", *(str(path.relative_to(ROOT)) for path in files)]

    for manager in (config["argocd"], config["kubernetes"], *config["customManagers"]):
        for pattern in manager["managerFilePatterns"]:
            found = [name for name in names if re.search(pattern.strip("/"), name)]
            assert found, pattern
            texts = [(ROOT / name).read_text(encoding="utf-8") for name in found]
            matches = [each.replace("(?<", "(?P<") for each in manager.get("matchStrings", [""])]
            assert any(re.search(each, text) for each in matches for text in texts), pattern
