"""The JSON schema that is sent for a pydantic model, as every endpoint with strict structured output takes it.

Invariant: no reference (one beside another keyword is refused, and not every server resolves them), no keyword but
those of `_KEPT`, every object closed and all its properties required. What is read is more forgiving: `answer`.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

# Titles and defaults say nothing to a model, and some servers refuse them.
_KEPT: Final = ("type", "description", "enum", "properties", "items", "required", "additionalProperties")


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of *model*, which must not contain itself."""
    schema = model.model_json_schema()
    return _strict(schema, schema.get("$defs", {}))


def _strict(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    # What stands beside a reference (a field's description) says more than what it refers to.
    name = str(node.get("$ref", "")).rpartition("/")[2]
    whole = {**definitions[name], **node} if name else node
    strict = {key: whole[key] for key in _KEPT if key in whole}
    if "properties" in strict:
        strict["properties"] = {key: _strict(each, definitions) for key, each in strict["properties"].items()}
        strict["required"] = list(strict["properties"])
        strict["additionalProperties"] = False
    if "items" in strict:
        strict["items"] = _strict(strict["items"], definitions)
    return strict
