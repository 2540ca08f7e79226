"""What the nearest resolved tickets suggest for the fields of a ticket: "category Email, 7 of 9".

Invariant: a field is suggested only if two thirds of the nearest that have it agree, at least `LEAST`. It is
written to the ticket only if the tenant's file allows that field, the ticket has none there, and the category is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Final

from pydantic import BaseModel

NEAREST: Final = 9
"""How many resolved tickets are asked."""
LEAST: Final = 3


class TicketField(StrEnum):
    """A field that is suggested, by its name in a `Ticket` and in the API of ServiceDesk Plus."""

    CATEGORY = "category"
    SUBCATEGORY = "subcategory"
    PRIORITY = "priority"
    GROUP = "group"
    TECHNICIAN = "technician"


class Suggestion(BaseModel, frozen=True):
    """A value for one field, and how many of the nearest that have one agree."""

    field: TicketField
    value: str
    number: int
    of: int


def suggest(nearest: Sequence[Mapping[str, str]], *, wanted: Collection[TicketField]) -> tuple[Suggestion, ...]:
    """What *nearest*, the fields of resolved tickets, suggest for the fields *wanted*."""
    found: dict[TicketField, Suggestion] = {}
    for field in TicketField:
        # A subcategory is one of its category's.
        category = found.get(TicketField.CATEGORY)
        told = [
            fields[field]
            for fields in nearest
            if fields.get(field)
            and (field is not TicketField.SUBCATEGORY or (category and fields["category"] == category.value))
        ]
        if not told:
            continue
        value, number = Counter(told).most_common(1)[0]
        if number >= LEAST and 3 * number >= 2 * len(told):
            found[field] = Suggestion(field=field, value=value, number=number, of=len(told))
    return tuple(suggestion for field, suggestion in found.items() if field in wanted)


def new_values(
    suggestions: Sequence[Suggestion], now: Mapping[str, str], *, allowed: Collection[TicketField]
) -> dict[TicketField, str]:
    """What may be written to a ticket whose fields are *now*: into empty fields alone."""
    values: dict[TicketField, str] = {}
    for suggestion in suggestions:
        if suggestion.field not in allowed or now.get(suggestion.field):
            continue
        if suggestion.field is TicketField.SUBCATEGORY:
            category = next((each.value for each in suggestions if each.field is TicketField.CATEGORY), None)
            if category is None or (now.get("category") or values.get(TicketField.CATEGORY)) != category:
                continue
        values[suggestion.field] = suggestion.value
    return values
