"""What resolved tickets suggest for a ticket's fields, and what of it may be written."""

from __future__ import annotations

import pytest

from app.core.tenant import Tenant
from app.core.triage import Suggestion, TicketField, new_values, suggest
from app.tenants.files import parse_tenant
from tests.builders import a_tenant

ALL = tuple(TicketField)
CATEGORY, SUBCATEGORY = TicketField.CATEGORY, TicketField.SUBCATEGORY


def told(*suggestions: Suggestion) -> list[tuple[str, str, int, int]]:
    return [(each.field.value, each.value, each.number, each.of) for each in suggestions]


def test_a_field_is_suggested_where_two_thirds_agree() -> None:
    nearest = [{"category": "Email"}] * 7 + [{"category": "Network"}] * 2
    assert told(*suggest(nearest, wanted=ALL)) == [("category", "Email", 7, 9)]
    assert suggest([{"category": "Email"}] * 5 + [{"category": "Network"}] * 3, wanted=ALL) == ()
    assert suggest([{"category": "Email"}] * 2, wanted=ALL) == ()


def test_tickets_without_the_field_do_not_count() -> None:
    nearest = [{"category": "Email", "priority": ""}] * 6 + [{"category": "Email", "priority": "High"}] * 3
    assert told(*suggest(nearest, wanted=ALL)) == [("category", "Email", 9, 9), ("priority", "High", 3, 3)]


def test_a_subcategory_is_one_of_the_suggested_category() -> None:
    nearest = [{"category": "Email", "subcategory": "Outlook"}] * 4 + [{"category": "Web", "subcategory": "Edge"}] * 2
    assert told(*suggest(nearest, wanted=ALL)) == [("category", "Email", 4, 6), ("subcategory", "Outlook", 4, 4)]
    assert told(*suggest(nearest, wanted=[SUBCATEGORY])) == [("subcategory", "Outlook", 4, 4)]


EMAIL = Suggestion(field=CATEGORY, value="Email", number=5, of=5)
OUTLOOK = Suggestion(field=SUBCATEGORY, value="Outlook", number=5, of=5)


@pytest.mark.parametrize(
    ("now", "allowed", "written"),
    [
        ({}, ALL, {CATEGORY: "Email", SUBCATEGORY: "Outlook"}),
        ({"category": "Web"}, ALL, {}),
        ({"category": "Email"}, ALL, {SUBCATEGORY: "Outlook"}),
        ({}, [SUBCATEGORY], {}),
        ({}, [], {}),
        ({"category": "Email", "subcategory": "Calendar"}, ALL, {}),
    ],
)
def test_only_empty_fields_that_the_file_allows_are_written(
    now: dict[str, str], allowed: list[TicketField], written: dict[TicketField, str]
) -> None:
    assert new_values([EMAIL, OUTLOOK], now, allowed=allowed) == written


def values(tenant: Tenant, **changes: object) -> dict[str, object]:
    return {**tenant.model_dump(mode="json", exclude_none=True), **changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"triage": {"write": ["status"]}}, "triage.write.0: "),
        ({"triage": {"suggest": ["priority"], "write": ["category"]}}, "triage: write names category"),
        ({"storms": {"collect_from": 2}}, "storms.collect_from: Input should be greater than or equal to 3"),
        ({"storms": {"window_minutes": 2000}}, "storms.window_minutes: Input should be less than or equal to 1440"),
        ({"storms": {"window": 60}}, "storms.window: is not a key of a tenant's file"),
    ],
)
def test_a_wrong_setting_is_told_by_its_key(changes: dict[str, object], message: str) -> None:
    with pytest.raises(Exception, match=message.replace(".", r"\.")):
        parse_tenant(values(a_tenant(), **changes), {})
