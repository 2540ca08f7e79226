"""The words that the check of support knows: of support_words.toml for what is said, of act_words.toml for acts.

Invariant: all are in normal form; "stems" are those of `tokens.stems`, other sets hold whole words.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from app.core.tokens import stems


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of support_words.toml."""

    function: frozenset[str]
    empty: frozenset[str]
    """Those that say nothing of a matter: function words, words about records, and negators."""
    records: frozenset[str]
    negators: frozenset[str]
    conjunctions: frozenset[str]
    undecided: frozenset[str]
    without: frozenset[str]
    only: frozenset[str]
    actions: dict[str, frozenset[int]]
    """For a stem of what is done, and of numbers, the numbers of the lines that it stands in."""
    numbers: frozenset[str]
    """Stems of numbers."""
    same: dict[str, frozenset[str]]
    """For a stem, the stems of other words for the same."""


@dataclass(frozen=True, slots=True)
class ActWords:
    """The words of act_words.toml, which says of each set what it is for."""

    look: frozenset[str]
    ask: frozenset[str]
    pass_on: frozenset[str]
    imperatives: frozenset[str]
    events: frozenset[str]
    """With the other words of their lines of `Lexicon.actions`."""
    secrets: frozenset[str]
    of_secrets: frozenset[str]
    supposes: frozenset[str]
    ordinary: frozenset[str]
    people: frozenset[str]
    whether: frozenset[str]
    auxiliaries: frozenset[str]
    which: frozenset[str]
    request: frozenset[str]
    why: frozenset[str]
    things: frozenset[str]
    reader: frozenset[str]
    hand_over: frozenset[str]
    orders: frozenset[str]
    may_be_so: frozenset[str]
    claims: frozenset[str]
    no_secrets: frozenset[str]
    may: frozenset[str]
    may_be: frozenset[str]
    may_have: frozenset[str]
    before_verb: frozenset[str]
    adverbs: frozenset[str]
    state: frozenset[str]
    you: frozenset[str]
    before_to: frozenset[str]
    found: frozenset[str]
    none: frozenset[str]


_STEMS = ("look", "ask", "pass_on", "imperatives", "events", "secrets", "of_secrets", "supposes", "ordinary", "people")


@cache
def lexicon() -> Lexicon:
    words = _read("support_words.toml")
    names = ("function", "records", "negators", "conjunctions", "undecided", "without", "only")
    function, records, negators, conjunctions, undecided, without, only = (
        frozenset(words[name].split()) for name in names
    )
    done, numbers, others = (words[name].strip().splitlines() for name in ("actions", "numbers", "same"))
    actions: dict[str, set[int]] = {}
    same: dict[str, set[str]] = {}
    for number, line in enumerate((*done, *numbers)):
        for stem in _stems(line):
            actions.setdefault(stem, set()).add(number)
    for line in (*done, *numbers, *others):
        for stem in _stems(line):
            same.setdefault(stem, set()).update(_stems(line) - {stem})
    return Lexicon(
        function,
        function | records | negators | conjunctions | only,
        records,
        negators,
        conjunctions,
        undecided,
        without,
        only,
        {stem: frozenset(lines) for stem, lines in actions.items()},
        frozenset(stem for line in numbers for stem in _stems(line)),
        {stem: frozenset(others) for stem, others in same.items()},
    )


@cache
def act_words() -> ActWords:
    words = _read("act_words.toml")
    sets = {name: _stems(text) if name in _STEMS else frozenset(text.split()) for name, text in words.items()}
    actions = lexicon().actions
    happened = frozenset(line for stem in sets["events"] for line in actions.get(stem, ()))
    return ActWords(**{**sets, "events": frozenset(stem for stem, lines in actions.items() if lines <= happened)})


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("app.core").joinpath(name).read_text("utf-8"))


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem for word in text.split() for stem in stems(word))
