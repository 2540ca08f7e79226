"""The words that the check of support knows: of support_words.toml for what is said, of act_words.toml for acts.

Invariant: all are in normal form; "stems" are those of `tokens.stems`, other sets hold whole words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from app.core.check.tokens import irregular, stems
from app.core.toml import read_toml


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of support_words.toml."""

    function: frozenset[str]
    empty: frozenset[str]
    """Those that say nothing of a matter: function words, words about records, and negators."""
    records: frozenset[str]
    light: frozenset[str]
    """Stems of words that tie a sentence together, but for what is done."""
    negators: frozenset[str]
    conjunctions: frozenset[str]
    undecided: frozenset[str]
    without: frozenset[str]
    only: frozenset[str]
    actions: dict[str, frozenset[int]]
    """For a stem of what is done, and of numbers, the numbers of the lines that it stands in."""
    opposed: dict[int, frozenset[int]]
    """For the number of a line of `actions` those of its opposites."""
    numbers: frozenset[str]
    """Stems of numbers."""
    digits: dict[str, int]
    """For a number in digits its line of `actions`. A sentence's digits are operands, and no such word."""
    number_words: dict[str, tuple[str, ...]]
    """For a number in digits its words."""
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
    stale_secret: frozenset[str]
    program_asks: frozenset[str]
    of_secrets: frozenset[str]
    supposes: frozenset[str]
    ordinary: frozenset[str]
    trade: frozenset[str]
    tells: frozenset[str]
    people: frozenset[str]
    of_people: frozenset[str]
    whether: frozenset[str]
    auxiliaries: frozenset[str]
    which: frozenset[str]
    request: frozenset[str]
    why: frozenset[str]
    protects: frozenset[str]
    things: frozenset[str]
    reader: frozenset[str]
    hand_over: frozenset[str]
    orders: frozenset[str]
    causes: frozenset[str]
    outcomes: frozenset[str]
    may_be_so: frozenset[str]
    permits: frozenset[str]
    first_person: dict[str, frozenset[str]]
    """By language, ISO 639-1."""
    tries: frozenset[str]
    test: frozenset[str]
    happened: frozenset[str]
    source: frozenset[str]
    note: frozenset[str]
    views: frozenset[str]
    stuck: frozenset[str]
    cannot: frozenset[str]
    does_not: frozenset[str]
    does: frozenset[str]
    is_so: frozenset[str]
    faults: frozenset[str]
    claims: frozenset[str]
    rights: frozenset[str]
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


_STEMS = frozenset(
    "look ask pass_on imperatives events secrets of_secrets supposes ordinary people of_people rights trade tells tries"
    " outcomes views protects".split()
)


_DATES: Final = 2
"""Lines of `values` in opposites.toml, weekdays and months: each is a date's name in all languages."""


@cache
def lexicon() -> Lexicon:
    words = read_toml(__package__, "support_words.toml")
    names = ("function", "records", "negators", "conjunctions", "undecided", "without", "only")
    function, records, negators, conjunctions, undecided, without, only = (
        frozenset(words[name].split()) for name in names
    )
    done, numbers, others = (words[name].strip().splitlines() for name in ("actions", "numbers", "same"))
    actions: dict[str, set[int]] = {}
    same: dict[str, set[str]] = {}
    digits: dict[str, int] = {}
    for number, line in enumerate((*done, *numbers)):
        for stem in _stems(line):
            if stem.isdigit():
                digits[stem] = number
            else:
                actions.setdefault(stem, set()).add(number)
    opposed: dict[int, set[int]] = {}
    for pair in words["opposed"].strip().splitlines():
        one, other = (min(actions[stem]) for word in pair.split() for stem in stems(word))
        opposed.setdefault(one, set()).add(other)
        opposed.setdefault(other, set()).add(one)
    weeks = read_toml(__package__, "opposites.toml")["values"].strip().splitlines()[:_DATES]
    for line in (*done, *numbers, *others, *(day for week in weeks for day in week.split("|"))):
        words_of = frozenset(stem for stem in _stems(line) if not stem.isdigit())
        for stem in words_of:
            same.setdefault(stem, set()).update(words_of - {stem})
    return Lexicon(
        function,
        function | records | negators | conjunctions | only,
        records,
        (_stems(words["light"]) | _stems_of_forms(function | records)) - actions.keys(),
        negators,
        conjunctions,
        undecided,
        without,
        only,
        {stem: frozenset(lines) for stem, lines in actions.items()},
        {line: frozenset(others) for line, others in opposed.items()},
        frozenset(stem for line in numbers for stem in _stems(line) if not stem.isdigit()),
        digits,
        {line.split()[-1]: tuple(line.split()[:-1]) for line in numbers},
        {stem: frozenset(others) for stem, others in same.items()},
    )


@cache
def act_words() -> ActWords:
    words = read_toml(__package__, "act_words.toml")
    first_person = {code: frozenset(text.split()) for code, text in words.pop("first_person").items()}
    sets = {name: _stems(text) if name in _STEMS else frozenset(text.split()) for name, text in words.items()}
    actions = lexicon().actions
    happened = frozenset(line for stem in sets["events"] for line in actions.get(stem, ()))
    sets["events"] = frozenset(stem for stem, lines in actions.items() if lines <= happened)
    return ActWords(first_person=first_person, **sets)


def _stems_of_forms(verbs: frozenset[str]) -> frozenset[str]:
    """Of the irregular forms of *verbs*, which say nothing by themselves: "went", "took", "kam"."""
    return frozenset(stem for form, verb in irregular().items() if verb in verbs for stem in stems(form))


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem for word in text.split() for stem in stems(word))
