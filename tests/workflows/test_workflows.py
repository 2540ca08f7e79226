"""The workflows do little by themselves: each step is a make target, each action is pinned, each job has its rights."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sysconfig
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
import yaml

from tests.workflows.commands import ROOT, done, git, path_with, program, run
from tests.workflows.github import open_github

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
    (audit,) = re.findall(r"^audit:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"--strict", "--require-hashes"} <= set(audit.split()), "what can't be looked up fails it"


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
    # Of a team of one, as docs/deploy.md says: an administrator, by a pull request.
    alone = {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "pull_request"}
    assert ruleset["bypass_actors"] in ([], [alone])
    assert json.dumps(alone) in (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    assert {path.stem for path in RULESETS.glob("*.json")} == {"main", "release"}


def _project(to: Path, approver: str) -> Path:
    """A project with staging and, after the word of *approver*, production; its own rulesets and script."""
    for folder in ("rulesets", "scripts"):
        shutil.copytree(ROOT / ".github" / folder, to / ".github" / folder)
    for name, follows in (("staging", "none"), ("production", "staging")):
        values = to / "kustomize/overlays" / name / "values/environment.yaml"
        values.parent.mkdir(parents=True)
        values.write_text(f"data:\n  follows: {follows}\n  approver: {approver}\n", encoding="utf-8")
    return to


EMPTY: Final[dict[str, Any]] = {
    **{key: {} for key in ("environments", "secrets")},
    **{key: [] for key in ("rulesets", "keys", "codeowners", "calls")},
    "orgs": {"owner": {"deploy_keys_enabled_for_repositories": True}, "owner/teams/operations": {"id": 7}},
    "users": {"somebody": {"id": 8}},
    "plan": "enterprise",
}


class GitHub:
    """The repository owner/name at GitHub, as `github.py` keeps it, and a project whose scripts speak with it."""

    def __init__(self, folder: Path, approver: str = "none", **given: Any) -> None:
        self._state = deepcopy({**EMPTY, **given})
        self._programs = folder / "bin"
        self._project = _project(folder / "project", approver)

    @property
    def state(self) -> dict[str, Any]:
        return deepcopy(self._state)

    def change(self, **given: Any) -> None:
        self._state |= given

    def protect(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with open_github(self._state) as gh:
            program(self._programs, "gh", gh)
            script = self._project / ".github/scripts/protect.sh"
            return run(script, *arguments, cwd=self._project, PATH=path_with(self._programs))


@cache
def _protected(approver: str = "none") -> dict[str, Any]:
    """What GitHub has after `make protect`: made once, since it is a hundred processes."""
    with TemporaryDirectory() as folder:
        github = GitHub(Path(folder), approver)
        assert github.protect().returncode == 0
        return github.state


# As the first run of a workflow makes an environment that it names: every branch's workflow has its secrets.
OPEN: Final[dict[str, Any]] = {
    "deployment_branch_policy": None,
    "protection_rules": [],
    "can_admins_bypass": True,
    "policies": [],
}
CLOSED: Final = {"protected_branches": False, "custom_branch_policies": True}


def test_protection_is_made_kept_and_checked(tmp_path: Path) -> None:
    github = GitHub(tmp_path, environments={"tenants": OPEN})

    assert github.protect("--check").returncode == 1
    made = github.protect()

    assert made.returncode == 0, made.stderr
    keys = github.state["secrets"]
    assert set(keys) == {"release", "tenants", "production"}, "staging gets each merge by the job `release`"
    assert len(set(keys.values())) == 1
    assert "OPENSSH PRIVATE KEY" in keys["release"]
    for name, each in github.state["environments"].items():
        assert each["deployment_branch_policy"] == CLOSED, name
        assert [(one["type"], one["name"]) for one in each["policies"]] == [("branch", "main")], name
    before = github.state
    github.change(calls=[])
    assert github.protect().returncode == 0
    assert {**github.state, "calls": []} == {**before, "calls": []}
    assert github.protect("--check").stdout.splitlines() == [
        "main is protected",
        "release-production is protected",
        "release-staging is protected",
    ]
    github.change(rulesets=[each for each in github.state["rulesets"] if each["name"] == "main"])
    gone = github.protect("--check")
    assert gone.returncode == 1
    assert "release-production is not protected" in gone.stderr


@pytest.mark.parametrize(
    "opened",
    [
        {"deployment_branch_policy": None, "policies": []},
        {"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False}, "policies": []},
        {"policies": [{"id": 90, "type": "branch", "name": "main"}, {"id": 91, "type": "branch", "name": "*"}]},
        {"policies": [{"id": 92, "type": "tag", "name": "main"}]},
    ],
    ids=["no policy", "protected branches", "every branch", "a tag"],
)
def test_a_key_that_other_branches_could_read_is_told_of_and_ends(tmp_path: Path, opened: dict[str, Any]) -> None:
    github = GitHub(tmp_path, **_protected())
    before = github.state
    asked = [
        {"type": "wait_timer", "wait_timer": 30},
        {
            "type": "required_reviewers",
            "prevent_self_review": True,
            "reviewers": [{"type": "User", "reviewer": {"id": 5}}],
        },
    ]
    there = {**before["environments"]["production"], "protection_rules": asked, "can_admins_bypass": False, **opened}
    github.change(environments={**before["environments"], "production": there})

    told = github.protect("--check")
    mended = github.protect()

    assert (told.returncode, told.stderr) == (
        1,
        "environment production gives its secrets to other branches than main, run make protect\n",
    )
    assert mended.returncode == 0, mended.stderr
    after = github.state
    production = after["environments"]["production"]
    assert (production["protection_rules"], production["can_admins_bypass"]) == (asked, False), "who is asked stays"
    assert [each["name"] for each in production["policies"]] == ["main"]
    assert set(after["secrets"].values()).isdisjoint(before["secrets"].values())
    assert [each["id"] for each in after["keys"]] != [each["id"] for each in before["keys"]]
    assert len(after["keys"]) == 1, "the old key may push no more"


def test_a_second_key_that_may_write_is_told_of(tmp_path: Path) -> None:
    """The ruleset excepts deploy keys, whichever: GitHub can't name one."""
    github = GitHub(tmp_path, **_protected())
    reads, writes = ({"id": 70 + only, "title": f"another {only}", "read_only": bool(only)} for only in (1, 0))

    github.change(keys=[*github.state["keys"], reads])
    passed = github.protect("--check")
    github.change(keys=[*github.state["keys"], writes])
    told = github.protect("--check")
    github.change(keys=[])  # GitHub took it away, with the login of gh that had made it
    gone = github.protect("--check")
    mended = github.protect()

    assert (passed.returncode, told.returncode, gone.returncode, mended.returncode) == (0, 1, 1, 0)
    assert "another 0" in told.stderr
    assert "another 1" not in told.stderr
    assert "no deploy key may write" in gone.stderr


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"orgs": {"owner": {"deploy_keys_enabled_for_repositories": False}}}, "forbids deploy keys"),
        (
            {"codeowners": [{"path": ".github/CODEOWNERS", "line": 2, "kind": "Unknown owner"}]},
            "CODEOWNERS:2: Unknown owner",
        ),
    ],
)
def test_what_would_stop_it_halfway_is_said_before_it_begins(tmp_path: Path, given: dict[str, Any], word: str) -> None:
    github = GitHub(tmp_path, **given)

    refused = github.protect()

    assert refused.returncode == 1
    assert word in refused.stderr
    assert (github.state["rulesets"], github.state["environments"]) == ([], {})


def test_a_private_repository_of_the_plan_team_is_protected_but_has_no_approver(tmp_path: Path) -> None:
    """docs.github.com, Deployments and environments: required reviewers of private repositories are Enterprise's."""
    (tmp_path / "none").mkdir()
    (tmp_path / "team").mkdir()

    made = GitHub(tmp_path / "none", plan="team").protect()
    refused = GitHub(tmp_path / "team", "operations", plan="team").protect()

    assert made.returncode == 0, made.stderr
    assert refused.returncode == 1
    assert "GitHub Enterprise" in refused.stderr


@pytest.mark.parametrize(
    ("written", "kind", "number"),
    [("operations", "Team", 7), ("somebody", "User", 8), ('"operations"', "Team", 7), ("'somebody'  # us", "User", 8)],
)
def test_an_environment_that_names_an_approver_waits_for_it(
    tmp_path: Path, written: str, kind: str, number: int
) -> None:
    github = GitHub(tmp_path, written)

    made = github.protect()

    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-1] == f"production waits for {yaml.safe_load(written)}"
    production = github.state["environments"]["production"]
    assert production["protection_rules"][0]["reviewers"] == [{"type": kind, "reviewer": {"id": number}}]
    assert production["deployment_branch_policy"] == CLOSED
    github.change(environments={**github.state["environments"], "production": {**production, "protection_rules": []}})
    gone = github.protect("--check")
    assert gone.returncode == 1
    assert "environment production asks nobody to approve" in gone.stderr


def test_none_in_quotes_is_nobody(tmp_path: Path) -> None:
    github = GitHub(tmp_path, '"none"  # each release comes at once')

    assert "waits for" not in done(github.protect())


def test_an_approver_whom_nobody_knows_is_no_approval(tmp_path: Path) -> None:
    refused = GitHub(tmp_path, "nobody-at-all").protect()

    assert refused.returncode == 1
    assert "nobody-at-all, whom production names" in refused.stderr


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("orgs/owner", 403),
        ("orgs/owner/teams/somebody", 502),
        ("repos/owner/name/codeowners/errors", 403),
        ("repos/owner/name/environments/production", 403),
        ("repos/owner/name/environments/production/deployment-branch-policies", 502),
        ("repos/owner/name/environments/production/secrets/RELEASE_KEY", 403),
    ],
)
def test_what_github_does_not_tell_is_not_taken_for_what_is_not_there(tmp_path: Path, path: str, status: int) -> None:
    """A rate limit is a 403. Taken for "no such environment", it cost the reviewers; for "no such team", a person approved."""
    github = GitHub(tmp_path, "somebody", **_protected("somebody"))
    before = github.state

    github.change(refuses={f"GET {path}": status})
    refused = github.protect()

    assert refused.returncode == 1
    assert refused.stderr == f"{path}: gh: Refused (HTTP {status})\n"
    assert github.state["environments"] == before["environments"]
    assert github.state["keys"] == before["keys"]


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
    path = path_with(tmp_path / "bin")
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
    folders = (".github", "argocd", "kustomize", "docs/aws")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.yaml")]
    names = ["Makefile", "Containerfile", *(str(path.relative_to(ROOT)) for path in files)]

    for manager in (config["argocd"], config["kubernetes"], *config["customManagers"]):
        for pattern in manager["managerFilePatterns"]:
            found = [name for name in names if re.search(pattern.strip("/"), name)]
            assert found, pattern
            texts = [(ROOT / name).read_text(encoding="utf-8") for name in found]
            matches = [each.replace("(?<", "(?P<") for each in manager.get("matchStrings", [""])]
            assert any(re.search(each, text) for each in matches for text in texts), pattern


def test_an_image_that_is_copied_to_our_registry_is_looked_up_where_it_comes_from() -> None:
    """At `set-by-installation/…` Renovate finds nothing, and says so in no pull request."""
    rules = json.loads((ROOT / ".github/renovate.json").read_text("utf-8"))["packageRules"]
    upstream = {
        name: rule["overridePackageName"]
        for rule in rules
        if "overridePackageName" in rule
        for name in rule["matchPackageNames"]
    }
    texts = {path: path.read_text("utf-8") for path in (ROOT / "kustomize").rglob("*.yaml")}
    copied = {image for text in texts.values() for image in re.findall(r"image: (set-by-installation/[^:\s]+):", text)}
    page = (ROOT / "docs/deploy.md").read_text("utf-8")

    assert copied == upstream.keys()
    for name, source in upstream.items():
        image = name.removeprefix("set-by-installation/")
        (command,) = re.findall(rf"tag=\$\((sed .*{image}://p' \S+)\) && crane", page)
        tag = done(run("bash", "-c", command, cwd=ROOT)).strip()
        assert f"image: {name}:{tag}\n" in "".join(texts.values())
        assert f'crane copy "{source}:$tag" "$registry/{image}:$tag"' in page
