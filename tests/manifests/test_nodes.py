"""The sample's nodes hold what is installed on them: the add-ons, what EKS brings, both environments, a release, and what is
left when a node is gone. Nothing of it was run on AWS: requests are sums, and the scheduler is first-fit decreasing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pytest
import yaml

from tests.manifests.capacity import asked, pods_in_a_release, quantity, replicas
from tests.manifests.project import ENVIRONMENTS, ROOT, WITH_STAGING, project
from tests.manifests.rendering import name_of, pod_templates, render
from tests.workflows.stacks import resources_of, template_of

FILE: Final = ROOT / "tests/manifests/requests_of_the_cluster.yaml"


@dataclass(frozen=True)
class Pod:
    of: str
    cpu: Decimal
    memory: Decimal


def table() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return found


def _pods(row: dict[str, Any], count: int) -> list[Pod]:
    return [Pod(row["name"], quantity(row["cpu"]), quantity(row["memory"]))] * count


def on_each_node() -> list[Pod]:
    return [pod for row in table()["on_each_node"] for pod in _pods(row, 1)]


def of_the_cluster() -> list[Pod]:
    return [pod for row in table()["pods"] for pod in _pods(row, row["pods"])]


def of_environments(*, side: str, in_release: bool) -> list[Pod]:
    """Of staging and production at once, as they ship, with as few or as many pods as their values let the autoscalers have."""
    found = []
    for environment in sorted({"staging", "production"} & set(ENVIRONMENTS)):
        objects = render(f"kustomize/overlays/{environment}", root=project("unset", has_options=False))
        kept, rolled = replicas(objects, side=side), pods_in_a_release(objects, side=side)
        for owner, template in pod_templates(objects):
            name = name_of(owner)
            pod = Pod(f"{environment} {name[1]}", asked(template, "cpu"), asked(template, "memory"))
            at_rest = kept.get(name, 1 if owner["kind"] == "CronJob" else 0)
            found += [pod] * (rolled[name] if in_release else at_rest)
    return found


def nodes() -> tuple[str, int]:
    """Kind and number of the nodes of the sample's group for our image."""
    group = resources_of("cluster", "AWS::EKS::Nodegroup")["NodesX86"]
    assert group["InstanceTypes"] == [{"Ref": "NodeType"}]
    kind = template_of("cluster")["Parameters"]["NodeType"]["Default"]
    assert group["ScalingConfig"]["MinSize"] == group["ScalingConfig"]["DesiredSize"]
    return kind, group["ScalingConfig"]["DesiredSize"]


def allocatable(kind: str) -> tuple[Decimal, Decimal, int]:
    """CPU, memory and pods that a node has for pods.

    Sources: EKS's AMI (nodeadm) reserves of CPU 6 % of the first core, 1 % of the second, 0.5 % of the next two and 0.25 % of
    the rest; of memory 255 MiB and 11 for each pod, beside the kubelet's 100 for eviction. Of the memory that is sold 7.5 %
    never reach Linux: what Karpenter assumes. Pods: one address each, of all of a node's interfaces but their first ones.
    """
    instance = table()["instances"][kind]
    cores, pods = instance["cores"], instance["interfaces"] * (instance["addresses"] - 1) + 2
    reserved = sum((60, 10, 5, 5)[:cores]) + 2.5 * max(0, cores - 4)
    memory = instance["memory_mib"] * Decimal("0.925") - 255 - 11 * pods - 100
    return cores - Decimal(reserved) / 1000, memory * 2**20, pods


def unplaced(pods: list[Pod], *, kind: str, on: int) -> list[Pod]:
    """What finds no room on so many nodes."""
    cpu, memory, most = allocatable(kind)
    placed = [on_each_node() for _ in range(on)]
    left = []
    for pod in sorted(pods, key=lambda pod: (pod.cpu, pod.memory), reverse=True):
        for node in placed:
            asking = sums([*node, pod])
            if asking[0] <= cpu and asking[1] <= memory and asking[2] <= most:
                node.append(pod)
                break
        else:
            left.append(pod)
    return left


def sums(pods: list[Pod]) -> tuple[Decimal, Decimal, int]:
    return sum((pod.cpu for pod in pods), Decimal(0)), sum((pod.memory for pod in pods), Decimal(0)), len(pods)


REST: Final = "at rest"
RELEASE: Final = "a release of both environments at once"
MOST: Final = "that release, with all that the autoscalers may ask for"


def demand_of(case: str) -> list[Pod]:
    return of_the_cluster() + of_environments(side="max" if case == MOST else "min", in_release=case != REST)


@pytest.mark.parametrize(("case", "lost"), [(REST, 0), (RELEASE, 0), (MOST, 0), (REST, 1), (RELEASE, 1)], ids=str)
def test_the_sample_s_nodes_hold_it(case: str, lost: int) -> None:
    kind, number = nodes()

    assert unplaced(demand_of(case), kind=kind, on=number - lost) == []


@WITH_STAGING
def test_nodes_that_are_too_small_are_found() -> None:
    """What the sample had: a release's pods stayed Pending until `progressDeadlineSeconds` ended it."""
    assert unplaced(demand_of(REST), kind="m6a.large", on=3) == []
    assert unplaced(demand_of(RELEASE), kind="m6a.large", on=3) != []
    assert unplaced(demand_of(RELEASE), kind="m6a.large", on=4) == []


@WITH_STAGING
def test_the_page_tells_the_sums() -> None:
    page = (ROOT / "docs/deploy.md").read_text("utf-8")
    kind, number = nodes()
    cpu, memory, pods = allocatable(kind)

    assert f"| {number} × `{kind}` have | {_cells(number * cpu, number * memory, number * pods)} |" in page
    for case in (REST, RELEASE, MOST):
        assert f"| {case} | {_cells(*sums(demand_of(case) + on_each_node() * number))} |" in page


def _cells(cpu: Decimal, memory: Decimal, pods: int) -> str:
    return f"{float(cpu):.2f} | {float(memory) / 2**30:.1f} GiB | {pods}"


def test_every_add_on_is_in_the_table() -> None:
    """Pods of a new one would find no room that nobody counted."""
    applications = {path.stem for path in (ROOT / "argocd/applications/add-ons").glob("*.yaml")}
    without_pods = {"cluster-issuer", "kustomization", "policies"}
    addons = {each["AddonName"] for each in resources_of("cluster", "AWS::EKS::Addon").values()}
    rows = {row["name"] for row in table()["on_each_node"]} | {row["name"] for row in table()["pods"]}

    assert applications - without_pods <= {row["of"] for row in table()["pods"]}
    of_addons = {"vpc-cni": "aws-node", "aws-ebs-csi-driver": "ebs-csi-node"}
    assert {of_addons.get(name, name) for name in addons} <= rows


def test_an_instance_has_room_as_eks_s_image_reserves_it() -> None:
    """https://github.com/awslabs/amazon-eks-ami, nodeadm/internal/kubelet; 29 pods are what EKS itself says of an m6a.large."""
    assert allocatable("m6a.large") == (Decimal("1.93"), (8192 * Decimal("0.925") - 255 - 319 - 100) * 2**20, 29)
    assert allocatable("m6a.xlarge")[0] == Decimal("3.92")
    assert allocatable("m6a.xlarge")[2] == 58
