"""Evaluates the expressions of Argo CD's notifications, as far as ours go: expr-lang's words are put into Python's.

Compared with notifications-engine's own evaluation (pkg/triggers, expr 1.17.8) on the states of the tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_PATH: Final = re.compile(r"(?<![\w'])(?P<root>app)?(?P<steps>(?:\??\.[a-zA-Z]\w*|\[-?\d+\])+)")
_STEP: Final = re.compile(r"(\??\.)(\w+)|\[(-?\d+)\]")
_WORDS: Final = (
    (r"\bnil\b", "None"),
    (r"(find\([^)]*\))\s+\?\?\s+(\[\]|\d+)", r"either(\1, \2)"),
    (r"(find\([^)]*\))\s+endsWith\s+('[^']*')", r"\1.endswith(\2)"),
    (r"\bany\((.*),\s*\{(.*)\}\)", r"any(\2 for item in \1)"),
)


def evaluate(expression: str, app: Mapping[str, Any]) -> Any:
    """What *expression* says of *app*.

    Raises:
        TypeError: It reads a field of nothing. Argo CD logs that, and takes a condition for false.
    """
    python = _PATH.sub(
        lambda found: f"find({found['root'] or 'item'}, {found['steps']!r})", " ".join(expression.split())
    )
    for word, replacement in _WORDS:
        python = re.sub(word, replacement, python)
    names = {"app": app, "find": _find, "either": lambda value, other: other if value is None else value}
    return eval(python, {"__builtins__": {"any": any, "len": len}, **names})  # noqa: S307 - of our own file


def _find(value: Any, steps: str) -> Any:
    for mark, name, index in _STEP.findall(steps):
        if value is None and mark == "?.":
            return None
        value = value[int(index)] if index else _field(value, name)
    return value


def _field(value: Any, name: str) -> Any:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} of nothing")
    return value.get(name)
