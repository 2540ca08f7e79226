"""What PostgreSQL did for a call: the plans that its module `auto_explain` writes to the server's log.

So the plans are those of the product's own connections, with its parameters and its way to plan, and not those of
statements that were written anew for the measurement.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import asyncpg

MODULE: Final = "auto_explain"
_ENTRY: Final = re.compile(r"duration: ([\d.]+) ms  plan:\n((?:\t.*\n)+)")
_PARAMETER: Final = re.compile(r"\$\d+(::[\w.]+(\(\d+\))?(\[\])?)?|(?<![:\w]):\w+(?!:)")
_COMMENT: Final = re.compile(r"^\s*--.*\n", re.MULTILINE)
# So much of a statement tells which file it is of.
_HEAD: Final = 110
_CONDITIONS: Final = ("Index Cond", "Filter")
_MOST_OF_CONDITION: Final = 120
# Its own plan says nothing: what it does, is in those of its statements.
_WRAPPER: Final = re.compile(
    r"select (\* from )?"
    r"(accept_deliveries|reserve_version|like_arrivals|save_enhancement|begin_posting|settle_posted)\b"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement as it was executed."""

    name: str
    """The file in app/db that holds it, else its first word and table."""
    ms: float
    buffers: int
    """Pages of 8 kB that were looked at, found in PostgreSQL's memory or read."""
    tree: str
    """As `EXPLAIN (ANALYZE, BUFFERS)` tells it: a line for each node."""


class PlanLog:
    """The plans in a server's log. *connection* is a superuser's."""

    def __init__(self, connection: asyncpg.Connection[Any], log: Path) -> None:
        self._connection = connection
        self._log = log
        self._at = 0
        self._names = dict(_statements())

    async def switch(self, *, on: bool) -> None:
        """Begin to write plans, or end it. Connections that are open follow."""
        for name, value in (
            ("log_min_duration", "0" if on else "-1"),
            *(("log_analyze", "on"), ("log_buffers", "on"), ("log_nested_statements", "on"), ("log_format", "json")),
            *(("log_timing", "off"), ("log_parameter_max_length", "0")),
        ):
            await self._connection.execute(f"alter system set {MODULE}.{name} = '{value}'")
        await self._connection.execute("select pg_reload_conf(), pg_sleep(0.3)")
        self._at = self._log.stat().st_size

    def read(self) -> list[Plan]:
        """The plans since the last look."""
        with self._log.open(errors="replace") as file:
            file.seek(self._at)
            text = file.read()
            self._at = file.tell()
        return list(self._plans(text))

    def _plans(self, text: str) -> Iterator[Plan]:
        for ms, body in _ENTRY.findall(text):
            found = json.loads(body)
            query = " ".join(found["Query Text"].split())
            if _WRAPPER.match(query):
                continue
            if table := _table(found["Plan"]):
                name = self._names.get(_head(query)) or f"{query.split()[0].lower()} of {table}"
                yield Plan(name, float(ms), _all_pages(found["Plan"]), "\n".join(_tree(found["Plan"])))


def _tree(node: dict[str, Any], depth: int = 0) -> Iterator[str]:
    named = f"{node['Subplan Name']}: " if "Subplan Name" in node else ""
    by = f" using {node['Index Name']}" if "Index Name" in node else ""
    of = node.get("Relation Name") or node.get("Function Name") or node.get("CTE Name")
    kind = node.get("Operation", "") if node["Node Type"] == "ModifyTable" else node["Node Type"]
    pages = {"hit": node.get("Shared Hit Blocks", 0), "read": node.get("Shared Read Blocks", 0)}
    yield (
        f"{'  ' * depth}{named}{kind}{by}{f' on {of}' if of else ''}"
        f" (rows={node['Actual Rows']:g} loops={node['Actual Loops']}"
        f"{''.join(f' {name}={count}' for name, count in pages.items() if count)})"
        + "".join(f" {name}: {node[name][:_MOST_OF_CONDITION]}" for name in _CONDITIONS if name in node)
    )
    for child in node.get("Plans", ()):
        yield from _tree(child, depth + 1)


def _table(node: dict[str, Any]) -> str:
    """The first that is named; empty: there is none."""
    return node.get("Relation Name") or next(filter(None, map(_table, node.get("Plans", ()))), "")


def _all_pages(node: dict[str, Any]) -> int:
    """Also of `with` parts that change rows: PostgreSQL does not count these for what is above them."""
    return max(_pages(node), sum(map(_all_pages, node.get("Plans", ()))))


def _pages(node: dict[str, Any]) -> int:
    return int(node.get("Shared Hit Blocks", 0)) + int(node.get("Shared Read Blocks", 0))


def _statements() -> Iterator[tuple[str, str]]:
    """The head of each statement of the product that is a file, and the file's name."""
    for folder in ("knowledge", "ledger", "limits", "reports"):
        for file in files("app.db").joinpath(folder).iterdir():
            if file.name.endswith(".sql"):
                yield _head(_COMMENT.sub("", file.read_text("utf-8"))), f"{folder}/{file.name}"


def _head(sql: str) -> str:
    return " ".join(_PARAMETER.sub("?", sql).split())[:_HEAD]
