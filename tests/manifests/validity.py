"""Whether an object is what its kind's schema says: types, required keys, and no key that the schema doesn't know."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import kubernetes_validate.utils
from jsonschema import Draft7Validator

from tests.manifests.rendering import Object, name_of

KUBERNETES: Final = "1.36"  # as docs/aws/cluster.yaml makes it
_FOLDER: Final = Path(__file__).parent / "schemas"

# The library reads its files anew for each object: ten of twelve milliseconds.
kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)


@cache
def _validator(api_version: str, kind: str) -> Draft7Validator | None:
    path = _FOLDER / f"{api_version.replace('/', '_')}_{kind}.json"
    return Draft7Validator(json.loads(path.read_text("utf-8"))) if path.exists() else None


def invalid(objects: list[Object]) -> list[str]:
    """A sentence for each object that the API server would refuse, or that no schema is known for."""
    return [f"{name_of(each)}: {problem}" for each in objects for problem in _problems(each)]


def _problems(each: Object) -> list[str]:
    validator = _validator(each["apiVersion"], each["kind"])
    if validator is not None:
        return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(each)]
    try:
        kubernetes_validate.validate(each, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [_sentence(error)]
    except kubernetes_validate.SchemaNotFoundError:
        return ["no schema of its kind is known here: add one to tests/manifests/schemas"]
    return []


def _sentence(error: Any) -> str:
    return f"{'.'.join(str(part) for part in error.path)}: {error.message[:300]}"
