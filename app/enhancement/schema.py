"""The JSON schema of a pydantic model, in a form that every endpoint with strict structured output accepts.

Invariant: it has no `$ref` (some servers don't resolve them, or refuse them beside another keyword), only the keywords
of `_KEPT`, `additionalProperties: false` in every object, and all properties required.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

# Not titles and defaults: they don't help a model, and some servers refuse them.
_KEPT: Final = ("type", "description", "enum", "properties", "items", "required", "additionalProperties")


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of *model*, which must not be recursive."""
    schema = model.model_json_schema()
    return _strict(schema, schema.get("$defs", {}))


def _strict(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    # Keywords beside a reference (the description of the field) override those of its target.
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
