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
# Its own plan says nothing: what it does, is in those of its statements.
_WRAPPER: Final = "select accept_deliveries"


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement as it was executed."""

    name: str
    """The file in app/db that holds it, else its first word and table."""
    ms: float
    buffers: int
    """Pages of 8 kB that were looked at, found in PostgreSQL's memory or read."""
    scans: dict[str, tuple[int, int]]
    """Each way by which a table was read or changed: how often, and the pages for it."""

    @property
    def line(self) -> str:
        parts = [
            f"{scan}{f' ×{loops:,}' if loops > 1 else ''}{f' ({pages:,})' if pages else ''}"
            for scan, (loops, pages) in self.scans.items()
        ]
        return f"`{self.name}`, {self.buffers:,} pages, {self.ms:.1f} ms: {'; '.join(parts)}"


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
            if query.startswith(_WRAPPER):
                continue
            scans: dict[str, tuple[int, int]] = {}
            _collect(found["Plan"], scans)
            name = self._names.get(_head(query)) or f"{query.split()[0].lower()} of {_table(found['Plan'])}"
            yield Plan(name, float(ms), _all_pages(found["Plan"]), scans)


def _collect(node: dict[str, Any], scans: dict[str, tuple[int, int]]) -> None:
    own = _pages(node)
    for child in node.get("Plans", ()):
        own -= _pages(child)
        _collect(child, scans)
    kind = node["Node Type"]
    if kind == "ModifyTable":
        label = f'{node["Operation"].lower()} "{node["Relation Name"]}"'
    elif "Index Name" in node:
        label = f"{kind} {node['Index Name']}"
    elif kind == "Seq Scan":
        label = f'Seq Scan "{node["Relation Name"]}"'
    else:
        return
    loops, pages = scans.get(label, (0, 0))
    scans[label] = loops + int(node["Actual Loops"]), pages + max(own, 0)


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
