"""Each rule lets its allowed examples pass and refuses each denied one, alone; what we deploy passes every rule."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.manifests.rendering import PRODUCTION, ROOT, Object, name_of, of_kind, pod_templates, render
from tests.policies.admission import Policy, documents, policies_in

POLICIES = policies_in(render("policies"))
RULES = pytest.mark.parametrize("rule", POLICIES, ids=lambda rule: rule.name)


def objections(each: Object) -> list[str]:
    return [found for policy in POLICIES for found in policy.objections(each)]


def test_every_folder_is_a_rule_that_is_installed() -> None:
    folders = {path.parent.name for path in (ROOT / "policies").glob("*/policy.yaml")}

    assert folders == {rule.name for rule in POLICIES} | {"image-signatures"}
    (signatures,) = of_kind(render("policies"), "ImageValidatingPolicy")
    assert signatures["spec"]["matchImageReferences"] == [{"glob": "unset.invalid/ai-agents@*"}]


@RULES
def test_allowed_examples_pass_every_rule(rule: Policy) -> None:
    examples = documents(ROOT / "policies" / rule.name / "allowed.yaml")

    assert all(rule.covers(each) for each in examples)
    assert [found for each in examples for found in objections(each)] == []


@RULES
def test_each_denied_example_breaks_this_rule_and_no_other(rule: Policy) -> None:
    examples = documents(ROOT / "policies" / rule.name / "denied.yaml")

    assert examples
    for each in examples:
        found = objections(each)
        assert found, each
        assert {text.partition(":")[0] for text in found} == {rule.name}, each


@RULES
def test_a_rule_fails_closed_and_binds_to_the_namespace_that_asks_for_it(rule: Policy) -> None:
    assert rule.policy["spec"]["failurePolicy"] == "Fail"
    assert "Deny" in rule.binding["spec"]["validationActions"]
    (namespace,) = of_kind(render(PRODUCTION), "Namespace")
    wanted = rule.binding["spec"]["matchResources"]["namespaceSelector"]["matchLabels"]
    assert wanted.items() <= namespace["metadata"]["labels"].items()


def test_what_production_deploys_passes_every_rule() -> None:
    assert [(name_of(each), found) for each in render(PRODUCTION) for found in objections(each)] == []


def test_the_pods_that_it_makes_pass_every_rule() -> None:
    for owner, template in pod_templates(render(PRODUCTION)):
        pod: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", **deepcopy(template)}
        pod["metadata"] = {"name": owner["metadata"]["name"], **pod.get("metadata", {})}
        assert objections(pod) == []


def test_a_sidecar_is_no_way_around() -> None:
    (deployment, *_) = documents(ROOT / "policies/no-root/allowed.yaml")
    sidecar = {"name": "sidecar", "image": "docker.io/library/busybox:latest", "restartPolicy": "Always"}
    deployment["spec"]["template"]["spec"]["initContainers"] = [sidecar]

    found = {text.partition(":")[0] for text in objections(deployment)}
    assert found == {"images-from-our-registry", "read-only-root", "no-capabilities", "requests-and-limits"}


def test_a_rule_that_says_the_opposite_is_seen() -> None:
    rule = deepcopy(next(each for each in POLICIES if each.name == "read-only-root"))
    (validation,) = rule.policy["spec"]["validations"]
    validation["expression"] = f"!({validation['expression']})"

    assert [each for each in render(PRODUCTION) if rule.objections(each)]
