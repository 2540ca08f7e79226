"""Roles as providers write them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from app.console.access import Role
from app.console.roles import Grant, SignInRefused, find_grant
from app.console.sessions import Seals


def grant(claims: dict[str, Any], claim: str = "groups", named: Collection[str] = ()) -> Grant:
    return find_grant(claims, "ines", claim=claim, operators="ops", viewers="look", named=named)


def role(claims: dict[str, Any], claim: str = "groups") -> Role | None:
    return grant(claims, claim).everywhere


@pytest.mark.parametrize(
    ("claims", "claim"),
    [
        ({"groups": ["staff", "ops"]}, "groups"),
        ({"groups": "ops"}, "groups"),
        ({"scp": "staff ops"}, "scp"),
        ({"roles": "staff, ops"}, "roles"),
        ({"groups": [{"id": "1", "name": "ops"}]}, "groups"),
        ({"groups": {"ops": True, "look": False}}, "groups"),
        ({"realm_access": {"roles": ["ops"]}}, "realm_access.roles"),
        ({"resource_access": {"ai-agents": {"roles": ["ops"]}}}, "resource_access.ai-agents.roles"),
        ({"resource_access": {"ai.agents": {"roles": ["ops"]}}}, "resource_access.ai.agents.roles"),
        ({"https://console.example/roles": ["ops"]}, "https://console.example/roles"),
        ({"realm_access.roles": ["ops"], "realm_access": {"roles": ["look"]}}, "realm_access.roles"),
        ({"urn:zitadel:iam:org:project:roles": {"ops": {"4711": "x"}}}, "urn:zitadel:iam:org:project:roles"),
        ({"groups": ["look", "ops"]}, "groups"),
        ({"groups": ["/ops"]}, "groups"),  # Keycloak's full path of a group
        ({"groups": [{"id": "1", "path": "/ops"}]}, "groups"),
        ({"groups": [{"id": "1", "displayName": "ops"}]}, "groups"),
        ({"roles": [{"value": "ops"}]}, "roles"),
        ({"groups": '["look", "ops"]'}, "groups"),
        ({"groups": "staff|ops"}, "groups"),
        ({"resource_access": {"ai.agents": {"roles": ["ops"]}}}, r"resource_access.ai\.agents.roles"),
    ],
)
def test_a_role_is_found_where_the_provider_puts_it(claims: dict[str, Any], claim: str) -> None:
    assert role(claims, claim) is Role.OPERATOR


def test_a_viewer_is_no_operator() -> None:
    assert role({"groups": ["look"]}) is Role.VIEWER


@pytest.mark.parametrize(
    ("claims", "claim", "told"),
    [
        ({}, "groups", "has no claim groups"),
        ({"groups": None}, "groups", "has no claim groups"),
        ({"realm_access": {}}, "realm_access.roles", "has no claim realm_access.roles"),
        ({"realm_access": "ops"}, "realm_access.roles", "has no claim realm_access.roles"),
        ({"_claim_names": {"groups": "src1"}}, "groups", "too many to list (claim groups)"),
        ({"hasgroups": True}, "groups", "too many to list"),
        ({"_claim_names": {"other": "src1"}}, "groups", "has no claim groups"),
        ({"groups": []}, "groups", "none of the groups that may use the console (claim groups)"),
        ({"groups": ["operations"]}, "groups", "none of the groups"),
        ({"groups": ["/it/ops"]}, "groups", "none of the groups"),  # another group of that name
        ({"groups": [{"id": "1", "name": None}]}, "groups", "none of the groups"),
        ({"groups": 7}, "groups", "none of the groups"),
        ({"groups": "friends of ops"}, "groups", "none of the groups"),  # one group, by the name that somebody gave it
        ({"groups": [["ops"]]}, "groups", "none of the groups"),
        ({"groups": {"x": "ops"}}, "groups", "none of the groups"),
        ({"groups": {"ops": False, "look": None}}, "groups", "none of the groups"),
        ({"hasgroups": "True"}, "groups", "too many to list"),
        ({"hasgroups": ["true"]}, "groups", "has no claim groups"),
        ({"groups": {"ops": "false"}}, "groups", "none of the groups"),
    ],
)
def test_each_way_to_have_no_role_has_its_sentence(claims: dict[str, Any], claim: str, told: str) -> None:
    with pytest.raises(SignInRefused) as caught:
        role(claims, claim)
    assert told in caught.value.detail


def test_groups_for_which_tenants_are_named_come_beside_the_role_for_all() -> None:
    named = {"acme-it", "globex-it"}
    assert grant({"groups": ["acme-it", "staff"]}, named=named) == Grant(None, ("acme-it",))
    assert grant({"groups": ["acme-it", "look"]}, named=named) == Grant(Role.VIEWER, ("acme-it",))
    with pytest.raises(SignInRefused, match="none of the groups"):
        grant({"groups": ["acme"]}, named=named)


def test_more_groups_than_a_cookie_holds_are_refused() -> None:
    groups = [f"client-{number}-of-a-long-name" for number in range(100)]
    with pytest.raises(SignInRefused, match="more groups of CONSOLE_OIDC_CLIENT_GROUPS than a session can hold"):
        grant({"groups": groups}, named=groups)
    assert len(grant({"groups": groups[:50]}, named=groups).groups) == 50
    largest = Seals().seal_user("n" * 500, None, grant({"groups": ["é" * 300]}, named=["é" * 300]).groups)
    assert len(largest) < 3800
