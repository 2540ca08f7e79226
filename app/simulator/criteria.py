"""`search_criteria` and sorting of ServiceDesk Plus's API, applied to rows in their JSON form.

Invariant: unknown criteria raise `BadCriteria`; they never match everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_MAX_DEPTH: Final = 10


class BadCriteria(Exception):
    """The criteria can't be understood."""


def matches(criteria: Any, row: dict[str, Any], depth: int = 0) -> bool:
    """Whether *row* meets *criteria*: an object, perhaps with `children`, or a list of such objects."""
    if depth > _MAX_DEPTH:
        raise BadCriteria
    if isinstance(criteria, list):
        return _all(criteria, row, depth, first=None)
    if not isinstance(criteria, dict):
        raise BadCriteria
    children = criteria.get("children") or []
    if not isinstance(children, list):
        raise BadCriteria
    own = _meets(criteria, row) if "field" in criteria else None
    return _all(children, row, depth, first=own)


def _all(parts: list[Any], row: dict[str, Any], depth: int, *, first: bool | None) -> bool:
    """The parts joined from left to right, each by its own `logical_operator`."""
    result = first
    for part in parts:
        met = matches(part, row, depth + 1)
        operator = str(part.get("logical_operator", "and")).lower() if isinstance(part, dict) else "and"
        if operator not in {"and", "or"}:
            raise BadCriteria
        result = met if result is None else (result and met) if operator == "and" else (result or met)
    if result is None:
        raise BadCriteria
    return result


def sort_key(field: str) -> Callable[[dict[str, Any]], tuple[bool, int, str]]:
    """A key that sorts rows by a field with dots: numbers and times by size, rows without the field last."""

    def key(row: dict[str, Any]) -> tuple[bool, int, str]:
        text = look_up(row, field)
        if text is None:
            return (True, 0, "")
        return (False, int(text), "") if text.isascii() and text.isdigit() else (False, 0, text.lower())

    return key


def look_up(row: dict[str, Any], field: str) -> str | None:
    """The text of a field with dots: of a time its milliseconds, of an object its name."""
    value: Any = row
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value = value.get("value", value.get("name"))
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _meets(criteria: dict[str, Any], row: dict[str, Any]) -> bool:
    values = criteria.get("values", criteria.get("value"))
    wanted = [_text(value) for value in (values if isinstance(values, list) else [values])]
    condition = _CONDITIONS.get(str(criteria.get("condition", "")).lower())
    if condition is None or not wanted or (condition is _between and len(wanted) != len(("from", "to"))):
        raise BadCriteria
    found = look_up(row, str(criteria["field"]))
    if found is None:
        return condition is _is_not
    return condition(found.lower(), wanted)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("value", value.get("name", value.get("id")))
    return ("" if value is None else str(value)).lower()


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadCriteria from None


def _is(found: str, wanted: list[str]) -> bool:
    return found in wanted


def _is_not(found: str, wanted: list[str]) -> bool:
    return found not in wanted


def _between(found: str, wanted: list[str]) -> bool:
    return _number(wanted[0]) <= _number(found) <= _number(wanted[1])


_CONDITIONS: Final[dict[str, Callable[[str, list[str]], bool]]] = {
    "is": _is,
    "is not": _is_not,
    "gt": lambda found, wanted: _number(found) > _number(wanted[0]),
    "gte": lambda found, wanted: _number(found) >= _number(wanted[0]),
    "lt": lambda found, wanted: _number(found) < _number(wanted[0]),
    "lte": lambda found, wanted: _number(found) <= _number(wanted[0]),
    "between": _between,
    "starts with": lambda found, wanted: found.startswith(tuple(wanted)),
    "contains": lambda found, wanted: any(part in found for part in wanted),
}
