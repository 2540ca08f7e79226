"""What groups give."""

from __future__ import annotations

import pytest

from app.console.access import Access, Role

NAMED = {
    "acme-it": {"acme": Role.VIEWER},
    "north": {"acme": Role.OPERATOR, "globex": Role.VIEWER},
}


def test_without_a_group_there_is_nothing() -> None:
    access = Access.of(None, [], NAMED)
    rights = [access.sees_all, access.may_operate_any, access.may_see("acme"), access.may_operate("acme")]
    assert not any(rights)


@pytest.mark.parametrize("groups", [["acme-it", "north"], ["north", "acme-it"]])
def test_of_two_roles_for_a_tenant_the_operators_counts(groups: list[str]) -> None:
    access = Access.of(None, groups, NAMED)
    assert access.may_operate("acme")
    assert access.may_see("globex")
    assert not access.may_operate("globex")
    assert not access.may_see("initech")
    assert not access.may_operate_all


def test_a_viewer_of_all_may_be_operator_of_some() -> None:
    access = Access.of(Role.VIEWER, ["north"], NAMED)
    assert access.sees_all
    assert access.may_see("initech")
    assert access.may_operate("acme")
    assert not access.may_operate("initech")
    assert not access.may_operate_all


def test_a_group_that_is_configured_no_more_gives_nothing() -> None:
    assert not Access.of(None, ["acme-it"], {}).may_see("acme")


def test_an_operator_of_all_is_one_everywhere() -> None:
    access = Access(Role.OPERATOR)
    assert access.may_operate("whoever")
    assert access.may_operate_all
