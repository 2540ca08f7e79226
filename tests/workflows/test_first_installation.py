"""The first installation, as far as it can be walked without an account: each step's commands are shell, in an order in which
every variable is there before it is used, and say what they print when they worked.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.workflows.commands import ROOT, program, run

PAGE: Final = (ROOT / "docs/deploy.md").read_text("utf-8")
SECTION: Final = PAGE.split("\n## First installation\n")[1].split("\n## ")[0]
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


def test_a_variable_is_there_before_it_is_used() -> None:
    known = {"PWD", "2", "1", "3"}  # the arguments of the functions
    for step in STEPS:
        text = commands(step)
        used = set(re.findall(r"\$\{?([A-Z_]+|\d)\b", text.replace("CACHE_PASSWORD_$", "$")))
        made = set(re.findall(r"(?:^|[\s;(])([A-Za-z_]+)=", text)) | set(re.findall(r"for ([A-Za-z_]+) in", text))
        assert used - known - made == set(), f"step {step[0]}"
        known |= made


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


def test_every_program_that_the_page_calls_is_in_its_list_of_tools_and_can_be_used() -> None:
    (tools,) = (each for each in STEPS[0][2].strip().split("\n\n") if each.startswith("You need "))
    typed = "\n".join(re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE))
    called = {each for each in PROGRAMS if re.search(rf"(?:^|[|&(;]) *{each} ", typed, re.MULTILINE)}

    assert called > {"argocd", "openssl"}
    assert [each for each in called if each not in tools] == []
    assert typed.index("argocd login ") < typed.index("argocd app "), "of use to nobody who is not logged in"


def template_of(name: str) -> dict[str, Any]:
    """A template of CloudFormation; its own tags are read as what stands behind them."""
    text = re.sub(r"!\w+ ?", "", (ROOT / f"docs/aws/{name}.yaml").read_text("utf-8"))
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_what_a_step_asks_of_a_stack_is_what_its_template_gives() -> None:
    templates = {name: template_of(name) for name in ("cluster", "environment")}
    for stack, output in re.findall(r'output "([^"]+)" (\w+)', SECTION):
        name = "cluster" if stack == "$CLUSTER" else "environment"
        assert output in templates[name]["Outputs"], output
    for name, template in templates.items():
        # A stack that is there keeps what is not given again.
        lines = re.findall(rf"--template-file docs/aws/{name}\.yaml(?:.|\\\n)*?--parameter-overrides (.*)", SECTION)
        first, every = (set(re.findall(r"\b(\w+)=", line)) for line in (lines[0], " ".join(lines)))
        wanted = {key for key, value in template["Parameters"].items() if "Default" not in value}
        assert wanted <= first <= every <= set(template["Parameters"]), name


def test_the_values_agree_with_what_the_template_makes() -> None:
    """`max_connections` of the sample is what the tests compare the autoscalers' maxima with."""
    template = (ROOT / "docs/aws/environment.yaml").read_text("utf-8")
    (production, staging) = re.findall(r'max_connections: !If \[IsProduction, "(\d+)", "(\d+)"\]', template)[0]
    for name, number in (("production", production), ("staging", staging)):
        values = (ROOT / f"tests/manifests/installations/unset/{name}.yaml").read_text("utf-8")
        assert f'databaseMaxConnections: "{number}"' in values


def test_the_sample_overwrites_what_a_new_cluster_has_and_starts_nothing_whose_kinds_are_not_there_yet() -> None:
    """amazon-network-policy-controller-k8s 200: *ConfigurationConflict*; external-dns 4768: fatal, until the kinds are there."""
    parts = template_of("cluster")["Resources"].values()
    addons = {each["Properties"]["AddonName"]: each for each in parts if each["Type"] == "AWS::EKS::Addon"}

    adopted = {name for name, each in addons.items() if each["Properties"].get("ResolveConflicts") == "OVERWRITE"}
    assert adopted == {"coredns", "kube-proxy", "vpc-cni"}
    assert [name for name, each in addons.items() if "Condition" in each] == ["external-dns"]
    assert template_of("cluster")["Parameters"]["Records"]["Default"] == "later"


def test_every_user_of_the_samples_cache_has_a_password() -> None:
    """A user group of the engine `valkey` takes no other: docs.aws.amazon.com, Clusters.RBAC."""
    parts = template_of("environment")["Resources"].values()
    users = [each["Properties"] for each in parts if each["Type"] == "AWS::ElastiCache::User"]

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


def test_what_a_page_gives_a_template_is_a_parameter_of_it() -> None:
    parameters = {name: set(template_of(name)["Parameters"]) for name in ("cluster", "environment")}
    for page in ("operate.md", "recovery.md"):
        text = (ROOT / "docs" / page).read_text("utf-8")
        for name, line in re.findall(r"docs/aws/(\w+)\.yaml(?:.|\\\n)*?--parameter-overrides (.*)", text):
            assert set(re.findall(r"(\w+)=", line)) <= parameters[name], line


def test_the_day_that_a_region_is_lost_is_steps_with_commands() -> None:
    before, after = (_section("recovery.md", f"### {name} it") for name in ("Before", "After"))

    for text in (before, after):
        for script in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
            assert run("bash", "-n", cwd=ROOT, stdin=script).returncode == 0
    steps = re.findall(r"^(\d)\. ", after, re.MULTILINE)
    assert steps == [str(number) for number in range(1, len(steps) + 1)]
    assert "CopyRegion" in before
    assert "replicate-secret-to-regions" in before
