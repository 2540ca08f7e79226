"""The first installation, as far as it can be walked without an account: each step's commands are shell, in an order in which
every variable is there before it is used, and say what they print when they worked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.workflows.commands import ROOT, path_with, program, run
from tests.workflows.stacks import overrides, resources_of, template_of

PAGE: Final = (ROOT / "docs/deploy.md").read_text("utf-8")
SECTION: Final = PAGE.split("\n## First installation\n")[1].split("\n## ")[0]
# What comes after it, in the order in which it is needed.
AFTER: Final = "\n".join(
    (ROOT / f"docs/{page}.md").read_text("utf-8") for page in ("release", "clients", "troubleshooting", "audit")
)
STEPS: Final = re.findall(r"^### (\d+)\. (.+)\n((?:(?!^### ).*\n?)*)", SECTION, re.MULTILINE)
EACH = pytest.mark.parametrize("step", STEPS, ids=lambda step: step[0])

Step = tuple[str, str, str]


def commands(step: Step) -> str:
    # What a person fills in stands for a word.
    return re.sub(r"<[a-zA-Z /]+>|…", "word", "\n".join(re.findall(r"```sh\n(.*?)```", step[2], re.DOTALL)))


def test_steps_are_numbered_and_end_where_it_is_done() -> None:
    assert [number for number, _, _ in STEPS] == [str(place) for place in range(1, len(STEPS) + 1)]
    assert STEPS[-1][1] == "Done"


@EACH
def test_a_step_says_what_to_type_what_it_prints_and_what_to_do_when_it_does_not(step: Step) -> None:
    assert commands(step), "its command"
    assert "*Worked:*" in step[2]
    assert "*If not:*" in step[2] or step[1] == "Done"


@EACH
def test_its_commands_are_shell(step: Step) -> None:
    assert run("bash", "-n", cwd=ROOT, stdin=commands(step)).returncode == 0


def used_and_made(text: str) -> tuple[set[str], set[str]]:
    made = set(re.findall(r"(?:^|[\s;(])([A-Za-z_]+)=", text)) | set(re.findall(r"for ([A-Za-z_]+) in", text))
    return set(re.findall(r"\$\{?([A-Z_]+)\b", text)), made


def test_a_variable_is_there_before_it_is_used() -> None:
    known = {"PWD", "EDITOR"}
    for step in STEPS:
        used, made = used_and_made(commands(step))
        assert used - known - made == set(), f"step {step[0]}"
        known |= made


# Programs of the page that answer as on a good day; what is not said here they print and take as `ok`, in base64.
STAND_INS: Final = {
    "aws": """
        echo "aws $*" >>{calls}
        case "$*" in
            *get-caller-identity*) echo 123456789012 ;;
            *list-hosted-zones*) echo /hostedzone/Z1 ;;
            "iam get-role"*|*describe-secret*) exit 1 ;;
            *list-pod-identity*) ;;
            *get-secret-value*) echo '{{"username": "postgres", "password": "p w"}}' ;;
            *create-secret*) cat >>{calls} ;;
            *) echo value ;;
        esac""",
    "gh": """
        case "$*" in
            "repo view"*) echo owner/name ;;
            *) echo 1 ;;
        esac""",
    "git": "[ $1 != show ] || printf 'newName: example/image\\ndigest: sha256:1\\n'",
    **dict.fromkeys(("argocd", "crane", "kubectl", "make", "psql"), 'echo "$0 $*" >>{calls}; echo b2s='),
}


@pytest.mark.parametrize("environment", ["staging", "production-us"])
def test_the_steps_are_walked_in_one_shell_whatever_an_environment_is_called(tmp_path: Path, environment: str) -> None:
    """The name of one more environment, a region's, has a hyphen, which no name of a variable may have."""
    for folder in ("docs/aws", "kustomize/installation", "kustomize/components"):
        shutil.copytree(ROOT / folder, tmp_path / "ai-agents" / folder)
    for name, script in STAND_INS.items():
        program(tmp_path / "bin", name, script.format(calls=tmp_path / "calls"))
    typed = "\n".join(commands(step) for step in STEPS)
    typed = re.sub(r"\bstaging\b", environment, typed)

    walked = run(
        *("bash", "-eu"), cwd=tmp_path, stdin=typed, PATH=path_with(tmp_path / "bin"), EDITOR="true", CI="true"
    )

    assert (walked.returncode, walked.stderr) == (0, "")
    calls = (tmp_path / "calls").read_text("utf-8")
    assert f"--name ai-agents/{environment}/database " in calls
    assert f"--stack-name ai-agents-{environment} " in calls
    assert re.search(rf"make smoke ENVIRONMENT={environment}\b", calls)
    assert re.search(r"crane copy otel/opentelemetry-collector:[\d.]+ value/opentelemetry-collector:[\d.]+\n", calls)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_what_any_page_tells_to_type_is_shell(page: Path) -> None:
    scripts = re.findall(r"^( *)```sh\n(.*?)^ *```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    typed = "\n".join(re.sub(r"<[a-zA-Z /-]+>|…", "word", script) for _, script in scripts)

    result = run("bash", "-n", cwd=ROOT, stdin=typed)
    assert (result.returncode, result.stderr) == (0, "")


# https://cli.github.com/manual/gh_help_environment, https://docs.aws.amazon.com/cli: before what a person logged in with.
LOGINS: Final = frozenset(
    {"GH_TOKEN", "GITHUB_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_PROFILE", "ARGOCD_AUTH_TOKEN"}
)


def test_no_step_leaves_a_variable_by_which_a_later_one_logs_in_as_somebody_else() -> None:
    made = {name for step in STEPS for name in re.findall(r"(?:^|[\s;(])([A-Z_]+)=", commands(step))}

    assert made & LOGINS == set()


def test_a_make_target_and_a_file_that_a_step_names_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for step in STEPS:
        for target in re.findall(r"\bmake ([a-z-]+)", commands(step)):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
        for path in re.findall(r"\bdocs/aws/[a-z.]+", commands(step)):
            assert (ROOT / path).is_file(), path


@EACH
def test_what_it_makes_in_the_cluster_it_can_make_again(step: Step) -> None:
    typed = re.sub(r"\\\n\s*", " ", commands(step))
    made = re.findall(r"kubectl (?:-n \S+ )?create (?!token).*", typed)
    pods = re.findall(r"kubectl -n \S+ run (\S+)(?!.*--rm).*", typed)

    assert [each for each in made if "--dry-run=client" not in each] == []
    assert [each for each in pods if f"delete pod {each}" not in typed] == []


PROGRAMS: Final = ("argocd", "aws", "crane", "gh", "git", "helm", "jq", "kubectl", "make", "openssl", "psql", "yq")


def test_every_program_that_the_pages_call_is_in_its_list_of_tools_and_can_be_used() -> None:
    (tools,) = (each for each in STEPS[0][2].strip().split("\n\n") if each.startswith("You need "))
    typed = "\n".join(re.findall(r"^ *```sh\n(.*?)^ *```", f"{PAGE}\n{AFTER}", re.DOTALL | re.MULTILINE))
    called = {each for each in PROGRAMS if re.search(rf"(?:^|[|&(;]) *{each} ", typed, re.MULTILINE)}

    assert called > {"argocd", "openssl"}
    assert [each for each in called if each not in tools] == []
    assert typed.index("argocd login ") < typed.index("argocd app "), "of use to nobody who is not logged in"


def test_a_sync_after_the_record_waits_until_a_pod_finds_it() -> None:
    """The first smoke test may ask before it is there, and AWS's resolver keeps that answer, up to 15 minutes by the SOA."""
    (step,) = (each for each in STEPS if each[1] == "DNS record and certificate")
    typed = commands(step)

    assert re.search(r"until kubectl -n staging exec deploy/ai-agents-api .* getent hosts", typed)
    assert typed.index("getent hosts") < typed.index("argocd app sync")


def test_a_login_to_argo_cd_leads_back_to_where_a_person_has_it() -> None:
    """It is published nowhere: a callback by another name reaches nobody."""
    section = _section("operate.md", "## Logging in to Argo CD")
    (port,) = re.findall(r"port-forward svc/argocd-server (\d+):443", section)

    assert set(re.findall(r"https://[^/\s`]+", section)) == {f"https://localhost:{port}"}
    assert f"argocd login localhost:{port} " in section


def test_a_client_s_webhook_comes_after_what_stands_in_it_and_its_policy_before_its_file() -> None:
    """The policy comes by a release, the file within minutes; the header's id and the secret are made by the commands."""
    section = _section("clients.md", "## Onboarding")
    steps = ("components/on-premises", "ai-agents tenants add", "ai-agents tenants secret", "The webhook, sections 3")

    assert sorted(steps, key=section.index) == list(steps)


def test_what_a_step_asks_of_a_stack_is_what_its_template_gives() -> None:
    stacks = {"$NETWORK": "network", "$CLUSTER": "cluster"}
    for stack, output in re.findall(r'output "([^"]+)" (\w+)', SECTION):
        assert output in template_of(stacks.get(stack, "environment"))["Outputs"], output


def test_the_sample_overwrites_what_a_new_cluster_has_and_starts_nothing_whose_kinds_are_not_there_yet() -> None:
    """amazon-network-policy-controller-k8s 200: *ConfigurationConflict*; external-dns 4768: fatal, until the kinds are there."""
    parts = template_of("cluster")["Resources"].values()
    addons = {each["Properties"]["AddonName"]: each for each in parts if each["Type"] == "AWS::EKS::Addon"}

    adopted = {name for name, each in addons.items() if each["Properties"].get("ResolveConflicts") == "OVERWRITE"}
    assert adopted == {"coredns", "kube-proxy", "vpc-cni"}
    assert [name for name, each in addons.items() if "Condition" in each] == ["external-dns"]
    assert template_of("cluster")["Parameters"]["Records"]["Default"] == "later"


def test_no_add_on_of_the_sample_puts_containers_of_its_own_into_our_pods() -> None:
    """amazon-cloudwatch-observability instruments by default whatever a Service leads to (its chart's `monitorAllServices`)."""
    addons = {each["AddonName"]: each for each in resources_of("cluster", "AWS::EKS::Addon").values()}

    logs = json.loads(addons["amazon-cloudwatch-observability"]["ConfigurationValues"])
    assert logs["manager"]["applicationSignals"]["autoMonitor"] == {"monitorAllServices": False}


def test_every_user_of_the_samples_cache_has_a_password() -> None:
    """A user group of the engine `valkey` takes no other: docs.aws.amazon.com, Clusters.RBAC."""
    users = resources_of("environment", "AWS::ElastiCache::User").values()

    assert {each["UserName"]: each["AuthenticationMode"]["Type"] for each in users} == {
        "default": "password",
        "ai-agents": "password",
    }


@pytest.mark.parametrize(("kustomize", "is_taken"), [("v5.5.0", False), ("v5.8.1", True), ("v5.10.0", True)])
def test_a_kubectl_that_would_render_wrongly_applies_nothing(tmp_path: Path, kustomize: str, is_taken: bool) -> None:
    """5.5.0, of kubectl 1.32, left two values of each environment and three of the Applications unset without a word."""
    program(tmp_path, "kubectl", f"echo \"$1\" >>{tmp_path}/asked; echo 'Kustomize Version: {kustomize}'")

    target = "renders" if is_taken else "bootstrap"
    result = run("make", target, cwd=ROOT, PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert (result.returncode == 0) == is_taken
    assert (tmp_path / "asked").read_text("utf-8") == "version\n", "nothing is applied"
    assert is_taken or "Kustomize 5.5.0, and 5.8.0 is needed: take kubectl 1.37" in result.stdout


def test_a_cluster_is_begun_by_the_environment_that_it_is_of_or_not_at_all(tmp_path: Path) -> None:
    program(tmp_path, "kubectl", f'echo "$*" >>{tmp_path}/asked')
    others = ("--old-file=renders", "--old-file=installation")

    result = run("make", "bootstrap", "ENVIRONMENT=nobody", *others, cwd=ROOT, PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert (result.returncode != 0, (tmp_path / "asked").exists()) == (True, False), "nothing is applied"
    assert "nobody has no cluster of its own, which have: " in result.stdout


def _section(page: str, heading: str) -> str:
    text = (ROOT / "docs" / page).read_text("utf-8")
    level = heading.split(maxsplit=1)[0]
    return re.split(rf"^#{{2,{len(level)}}} ", text.partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_nodes_that_come_by_themselves_have_the_roles_that_aws_wants() -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/auto-enable-existing.html, auto-create-node-role.html."""
    resources = template_of("cluster")["Resources"]
    policies = {
        role: set(re.findall(r"policy/(\w+)", str(resources[role]["Properties"]["ManagedPolicyArns"])))
        for role in ("ClusterRole", "AutoNodeRole")
    }

    assert policies["ClusterRole"] == {
        *("AmazonEKSClusterPolicy", "AmazonEKSComputePolicy", "AmazonEKSBlockStoragePolicy"),
        *("AmazonEKSLoadBalancingPolicy", "AmazonEKSNetworkingPolicy"),
    }
    assert policies["AutoNodeRole"] == {"AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"}
    assert "sts:TagSession" in str(resources["ClusterRole"]["Properties"]["AssumeRolePolicyDocument"])
    nodes = _section("operate.md", "## Nodes")
    assert "AutoMode=now" in nodes
    assert "enable-network-policy-controller" in nodes, "without it default-deny is open there"


LOSSES: Final = ("## A database is lost", "## A cluster is lost", "### Before it", "### After it")


@pytest.mark.parametrize("heading", ["## A database is lost", "### After it"])
def test_a_restored_database_is_as_the_stack_had_it_and_the_stack_s(heading: str) -> None:
    """AWS restores with defaults: one zone, no protection, the default groups, outside every stack.

    And with a public address, where the network of the subnets has a way to the Internet (`PubliclyAccessible` of
    CreateDBInstance, to which the page of RestoreDBInstanceToPointInTime leads).
    """
    typed = re.sub(r" *\\\n\s*", " ", _section("recovery.md", heading))
    (restored,) = re.findall(r"aws rds restore-db-instance-to-point-in-time .*", typed)
    changed = re.findall(r"aws rds modify-db-instance --db-instance-identifier ai-agents-production (.*)", typed)

    assert "--target-db-instance-identifier ai-agents-production " in restored
    for option in (
        *("multi-az", "no-publicly-accessible", "deletion-protection", "copy-tags-to-snapshot"),
        *("db-subnet-group-name", "db-parameter-group-name", "vpc-security-group-ids"),
    ):
        assert f"--{option} " in restored, option
    (database,) = resources_of("environment", "AWS::RDS::DBInstance").values()
    assert database["PubliclyAccessible"] is False
    assert "--new-db-instance-identifier" in changed[0], "its name is free, and its host stays"
    assert "--backup-retention-period 30 --manage-master-user-password --apply-immediately" in changed[1]
    (deleted,) = re.findall(r"aws rds delete-db-instance --db-instance-identifier (ai-agents-(?:lost|empty) .*)", typed)
    assert "ai-agents-empty --skip-final-snapshot" in deleted or "--no-delete-automated-backups" in deleted
    assert "MasterSecret)" not in PAGE, "the stack's is of the lost one, and goes with it"


@pytest.mark.parametrize("heading", LOSSES)
def test_a_way_of_recovery_is_steps_with_commands(heading: str) -> None:
    section = _section("recovery.md", heading)
    scripts = re.findall(r"^ *```sh\n(.*?)^ *```", section, re.DOTALL | re.MULTILINE)

    assert scripts
    for script in scripts:
        assert run("bash", "-n", cwd=ROOT, stdin=script).returncode == 0
    steps = re.findall(r"^(\d)\. ", section, re.MULTILINE)
    assert steps == [str(number) for number in range(1, len(steps) + 1)]


@pytest.mark.parametrize(
    ("page", "heading"),
    [
        *(("recovery.md", each) for each in LOSSES),
        ("audit.md", "## Proof of encryption"),
        ("clients.md", "## Onboarding"),
    ],
)
def test_a_way_that_is_walked_months_later_needs_no_shell_of_before(page: str, heading: str) -> None:
    text = "\n".join(re.findall(r"```sh\n(.*?)```", _section(page, heading), re.DOTALL))

    used, made = used_and_made(text)
    assert used - made - {"PWD", "PATH"} == set()


def test_in_another_region_the_role_reads_what_is_under_the_copies_key() -> None:
    """Step 4 takes the new network's key, under which no copy is."""
    after = _section("recovery.md", "### After it")

    assert re.search(r"export KMS_KEY_ARN=\$\(aws secretsmanager describe-secret .* --query KmsKeyId ", after)
    assert "all but its line that sets `KMS_KEY_ARN`" in after


def test_images_backups_and_secrets_are_copied_before_a_region_is_lost() -> None:
    before = _section("recovery.md", "### Before it")

    assert {name for name, given in overrides(before) if "CopyRegion" in given} == {"network", "environment"}
    assert "replicate-secret-to-regions" in before
