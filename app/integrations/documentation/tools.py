"""Which tools of a server may be called: those that the tenant's file names, if they change nothing.

Invariant: a tool that says of itself that it changes something, by `readOnlyHint: false` or `destructiveHint: true`, is
never called, whatever the file says. By the protocol a tool without `readOnlyHint` may change something: it is called
only if the file says `read_only: true`. Of two tools with one name, none is called unless both may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from app.core.tenant import DocumentationTool


class Hints(Protocol):
    """A tool's annotations, of the official SDK."""

    read_only_hint: bool | None
    destructive_hint: bool | None


class ServerTool(Protocol):
    """A tool as the official SDK parses it."""

    @property
    def name(self) -> str: ...
    @property
    def input_schema(self) -> dict[str, Any]: ...
    @property
    def annotations(self) -> Hints | None: ...


def find_fault(wanted: DocumentationTool, offered: Sequence[ServerTool]) -> str | None:
    """Why *wanted* may not be called, as the end of a sentence that begins with its name; None: it may be."""
    tools = [tool for tool in offered if tool.name == wanted.name]
    if not tools:
        return "is not offered by the server"
    faults = (_fault(wanted, tool) for tool in tools)
    return next((fault for fault in faults if fault is not None), None)


def _fault(wanted: DocumentationTool, tool: ServerTool) -> str | None:
    hints = tool.annotations
    if hints is not None and hints.destructive_hint:
        return "says that it is destructive"
    if hints is not None and hints.read_only_hint is False:
        return "says that it is not read-only"
    if (hints is None or hints.read_only_hint is None) and not wanted.read_only:
        return "does not say that it is read-only: if it is, say `read_only: true` of it in the tenant's file"
    return _misfit(wanted, tool.input_schema)


def _misfit(wanted: DocumentationTool, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with the arguments that the file gives."""
    known = schema.get("properties")
    required = schema.get("required")
    if not isinstance(known, Mapping):
        known = {}
    for name in (wanted.argument, *wanted.arguments):
        if name not in known and (known or schema.get("additionalProperties") is False):
            return f"has no argument {name}"
    described = known.get(wanted.argument)
    kind = described.get("type") if isinstance(described, Mapping) else None
    if isinstance(kind, str) and kind != "string":
        return f"takes no words as {wanted.argument}"
    given = {wanted.argument, *wanted.arguments}
    missing = [name for name in required if name not in given] if isinstance(required, list) else []
    if missing:
        return "wants arguments that the tenant's file does not give"
    return None
