r"""Texts that are slow for a regular expression, if any is: what it repeats, many times, behind what it begins with.

Derived from the expressions of the product, as Python parses them: of `(?:re|aw)\s*:` it is "re" and many blanks.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from re import _constants as sre
from re import _parser as parser
from typing import Any

import app
from app.core.detect import commands, hints, keys, national_ids

_FEWEST_REPEATS = 40
"""What may be repeated less often costs little."""
_MOST = 60
"""Of one expression: some have hundreds of words side by side."""
_OF_CATEGORY = {
    sre.CATEGORY_SPACE: " ",
    sre.CATEGORY_DIGIT: "7",
    sre.CATEGORY_WORD: "a",
    sre.CATEGORY_NOT_SPACE: "x",
    sre.CATEGORY_NOT_DIGIT: "x",
    sre.CATEGORY_NOT_WORD: "-",
}
_REPEATS = {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}


def pumps() -> list[tuple[str, str]]:
    """What stands before, and what is repeated, of each expression of the product."""
    found: set[tuple[str, str]] = set()
    for pattern in sorted(_patterns(), key=lambda each: each.pattern):
        own: set[tuple[str, str]] = set()
        for before, repeated in _walk(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG), ""):
            own.add((before[:_MOST], repeated[:_MOST]))
            if len(own) == _MOST:
                break
        found |= own
    for lead, pattern in _compiled_when_needed():
        for before, repeated in _walk(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG), ""):
            led = before if before.lower().startswith(lead) else f"{lead}{before.removeprefix('a')}"
            found.add((led[:_MOST], repeated[:_MOST]))
    return sorted(found)


def _compiled_when_needed() -> Iterator[tuple[str, re.Pattern[str]]]:
    """What no module holds before a text asks for it, each with what a text must begin with to ask."""
    for name in commands._BY_NAME:
        yield from ((name.split()[0], pattern) for pattern in commands._of_command(name))
    yield from ((word, keys._form(word)) for word in keys._ISSUED)
    for at, label in enumerate(national_ids._LABELLED):
        yield f"{_shortest(parser.parse(label))} ", national_ids._after(at)
    yield "log in ", hints._after_a_user()


def _patterns() -> set[re.Pattern[str]]:
    found: set[re.Pattern[str]] = set()
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            found.update(_within(list(vars(importlib.import_module(module.name)).values())))
    return found


def _within(value: Any) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, dict):
        yield from _within(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _within(each)


def _walk(tree: Iterable[tuple[Any, Any]], before: str) -> Iterator[tuple[str, str]]:
    for kind, of in tree:
        if kind in _REPEATS:
            fewest, most, repeated = of
            if most > _FEWEST_REPEATS:
                yield from ((before, each) for each in _ways(repeated) if each)
            yield from _walk(repeated, before)
            before += _shortest(repeated) * fewest
        elif kind is sre.BRANCH:
            for each in of[1][:_MOST]:
                yield from _walk(each, before)
            before += _one(kind, of)
        elif kind is sre.SUBPATTERN:
            yield from _walk(of[3], before)
            before += _shortest(of[3])
        elif kind in {sre.ASSERT, sre.ASSERT_NOT}:
            yield from _walk(of[1], before)
        else:
            before += _one(kind, of)


def _ways(repeated: Any) -> list[str]:
    if len(repeated) == 1 and repeated[0][0] is sre.IN:
        return _members(repeated[0][1])[:3]
    return [_shortest(repeated)]


def _shortest(tree: Iterable[tuple[Any, Any]]) -> str:
    return "".join(_one(kind, of) for kind, of in tree)


def _one(kind: Any, of: Any) -> str:
    match kind:
        case sre.LITERAL:
            found = chr(of)
        case sre.ANY | sre.NOT_LITERAL:
            found = "y" if of == ord("x") else "x"
        case sre.IN:
            found = _members(of)[0]
        case sre.BRANCH:
            found = _shortest(of[1][0])
        case sre.SUBPATTERN:
            found = _shortest(of[3])
        case sre.MAX_REPEAT | sre.MIN_REPEAT | sre.POSSESSIVE_REPEAT:
            found = _shortest(of[2]) * int(of[0])
        case sre.ATOMIC_GROUP:
            found = _shortest(of)
        case _:
            found = ""
    return found


def _members(of: list[tuple[Any, Any]]) -> list[str]:
    if of[0][0] is sre.NEGATE:
        outside = re.compile(f"[{''.join(map(_as_class, of[1:]))}]")
        return [each for each in "a 7-.x~" if not outside.match(each)] or ["x"]
    return [_member(kind, each) for kind, each in of]


def _member(kind: Any, of: Any) -> str:
    if kind is sre.CATEGORY:
        return _OF_CATEGORY[of]
    return chr(of[0] if kind is sre.RANGE else of)


def _as_class(member: tuple[Any, Any]) -> str:
    kind, of = member
    if kind is sre.CATEGORY:
        return {" ": r"\s", "7": r"\d", "a": r"\w", "-": r"\W"}.get(_OF_CATEGORY[of], r"\S")
    return "-".join(re.escape(chr(each)) for each in (of if kind is sre.RANGE else (of,)))
