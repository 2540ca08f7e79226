"""The samples of `docs/aws` as CloudFormation reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from tests.workflows.commands import ROOT

STACKS: Final = ("network", "cluster", "environment")


class _Loader(yaml.SafeLoader):
    """`!Ref Name` as `{"Ref": "Name"}`, `!Sub …` as `{"Fn::Sub": …}`."""


def _call(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {name if name == "Ref" else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _call)


def template_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((ROOT / f"docs/aws/{name}.yaml").read_text("utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    return found


def resources_of(name: str, kind: str) -> dict[str, dict[str, Any]]:
    """The properties of each resource of *kind*, by its name in the template."""
    found = template_of(name)["Resources"].items()
    return {each: resource.get("Properties", {}) for each, resource in found if resource["Type"] == kind}


def calls(tree: Any, name: str) -> Iterator[Any]:
    """What the function *name* (`Ref`, `Fn::ImportValue`) is called with, anywhere in *tree*."""
    match tree:
        case dict():
            for key, value in tree.items():
                if key == name:
                    yield value
                yield from calls(value, name)
        case list():
            for each in tree:
                yield from calls(each, name)


def overrides(text: str) -> list[tuple[str, set[str]]]:
    """The template and the parameters of each `aws cloudformation deploy` of a page."""
    lines = re.findall(r"--template-file docs/aws/(\w+)\.yaml((?:\\\n|.)*)", text)
    return [(name, set(re.findall(r"\b(\w+)=", line.partition("--parameter-overrides")[2]))) for name, line in lines]
