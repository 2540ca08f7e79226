"""Every published rule of strict structured output, over the whole schema.

Source: OpenAI's guide to structured outputs, "Supported schemas", in its narrowest form: five levels and a hundred
properties, the limits of the first models that had it; the keywords are those that fine-tuned models take too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from app.enhancement.write import draft_schema
from tests.builders import a_draft

SUPPORTED = {"type", "description", "enum", "properties", "items", "required", "additionalProperties"}
TYPES = {"string", "number", "integer", "boolean", "object", "array"}


def nodes(node: dict[str, Any], place: str = "$", level: int = 1) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Each schema within a schema, with its place and its level of nesting."""
    yield place, level, node
    for key, each in node.get("properties", {}).items():
        yield from nodes(each, f"{place}.{key}", level + 1)
    for keyword in ("items", "additionalProperties"):
        if isinstance(node.get(keyword), dict):
            yield from nodes(node[keyword], f"{place}[]", level + 1)


EVERY = list(nodes(draft_schema()))


@pytest.mark.parametrize("node", [node for _, _, node in EVERY], ids=[place for place, _, _ in EVERY])
def test_each_part_of_the_schema_keeps_the_rules_of_strict_output(node: dict[str, Any]) -> None:
    assert set(node) <= SUPPORTED, "no reference, no default, no title, no composition"
    assert node["type"] in TYPES, "one type, given"
    if node["type"] == "object":
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
    if node["type"] == "array":
        assert node["items"]


def test_the_schema_as_a_whole_keeps_within_the_limits() -> None:
    assert draft_schema()["type"] == "object"
    assert max(level for _, level, _ in EVERY) <= 5
    names = [name for _, _, node in EVERY for name in node.get("properties", {})]
    values = [value for _, _, node in EVERY for value in node.get("enum", [])]
    assert len(names) <= 100
    assert len(values) <= 500
    assert sum(map(len, names + values)) <= 15_000


def test_a_draft_fits_the_schema_that_is_sent_and_a_looser_one_does_not() -> None:
    jsonschema.Draft202012Validator.check_schema(draft_schema())
    draft = a_draft().model_dump(mode="json")
    jsonschema.validate(draft, draft_schema())
    for loose in ({**draft, "more": 1}, {**draft, "facts": None}, {**draft, "questions": ["Why?"]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(loose, draft_schema())


def test_the_fields_own_descriptions_are_what_the_model_reads() -> None:
    schema = draft_schema()
    assert schema["properties"]["next_steps"]["description"].startswith("What to do, most useful first")
    assert "error_text" in schema["properties"]["questions"]["items"]["enum"]


def test_facts_come_first_and_the_summary_that_rests_on_them_last() -> None:
    order = ["facts", "hypotheses", "next_steps", "questions", "summary", "summary_citations"]
    assert list(draft_schema()["properties"]) == order
