"""ValidatingAdmissionPolicies evaluated as the API server does, without one: CEL by Google's own library.

Covered is what our policies use: resource rules, the request, variables, validations with a message. Source: Kubernetes,
"Validating Admission Policy"; the extensions are those that the API server compiles with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional, ext_strings

from tests.manifests.rendering import Object, parse

_PLURALS: Final = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}
ARGO_CD: Final = "system:serviceaccount:argocd:argocd-application-controller"


@cache
def _environment() -> Any:
    return cel.NewEnv(
        variables=dict.fromkeys(("object", "oldObject", "request", "variables"), cel.Type.DYN),
        extensions=[ext_optional.ExtOptional(), ext_strings.ExtStrings()],
    )


@cache
def _compiled(expression: str) -> Any:
    return _environment().compile(expression)


class NotAnswered(Exception):
    """An expression did not come to a boolean or a value; the API server would refuse the object (`Fail`)."""


def _evaluate(expression: str, request: Object, variables: dict[str, Any]) -> Any:
    data = {"object": request.get("object"), "oldObject": request.get("oldObject"), "request": request}
    value = _compiled(expression).eval(data={**data, "variables": variables})
    if value.type() == cel.Type.ERROR:
        raise NotAnswered(f"{expression}: {value.value()}")
    return value.plain_value()


def request_of(each: Object) -> Object:
    """The request of an AdmissionReview; any other object is made by Argo CD, as what is in Git is."""
    if each["kind"] == "AdmissionReview":
        request: Object = each["request"]
        return request
    return {"operation": "CREATE", "userInfo": {"username": ARGO_CD}, "object": each}


@dataclass(frozen=True)
class Policy:
    """One rule: the policy's object, and its binding's."""

    policy: Object
    binding: Object

    @property
    def name(self) -> str:
        return str(self.policy["metadata"]["name"])

    def covers(self, each: Object) -> bool:
        request = request_of(each)
        about = request.get("object") or request["oldObject"]
        kind = about["kind"]
        group, _, version = about["apiVersion"].rpartition("/")
        resource = "/".join(filter(None, (_PLURALS.get(kind, kind.lower() + "s"), request.get("subResource"))))
        return any(
            group in rule["apiGroups"]
            and version in rule["apiVersions"]
            and resource in rule["resources"]
            and request["operation"] in rule["operations"]
            for rule in self.policy["spec"]["matchConstraints"]["resourceRules"]
        )

    def objections(self, each: Object) -> list[str]:
        """The messages of the validations that *each* does not pass; none when the rule is not about it."""
        if not self.covers(each):
            return []
        request = request_of(each)
        variables: dict[str, Any] = {}
        for variable in self.policy["spec"].get("variables", []):
            variables[variable["name"]] = _evaluate(variable["expression"], request, variables)
        return [
            f"{self.name}: {validation['message']}"
            for validation in self.policy["spec"]["validations"]
            if _evaluate(validation["expression"], request, variables) is not True
        ]


def policies_in(objects: list[Object]) -> list[Policy]:
    """Every policy of *objects* with its binding."""
    bindings = {
        each["spec"]["policyName"]: each for each in objects if each["kind"] == "ValidatingAdmissionPolicyBinding"
    }
    return [
        Policy(each, bindings[each["metadata"]["name"]])
        for each in objects
        if each["kind"] == "ValidatingAdmissionPolicy"
    ]


def documents(path: Path) -> list[Object]:
    return parse(path.read_text("utf-8"))
