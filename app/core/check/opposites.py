"""The words that turn a sentence round, of opposites.toml.

Invariant: all are in normal form; words of more than four letters are compared by their stems.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from app.core.check.lexicon import lexicon
from app.core.check.tokens import stems
from app.core.kept import MAX_KEPT_WORDS
from app.core.toml import read_toml

_EXACT: Final = 4
"""Words up to so many letters are compared as they stand: their stems are those of too many others."""
_STATES: Final = (
    "full",
    "enable",
    "online",
    "open",
    "lock",
    "allow",
    "connect",
    "install",
    "more",
    "success",
    "valid",
    "healthy",
)

Pole = tuple[int, int]
"""The number of an axis, and that of one of its poles."""


_NONE: Final = frozenset[Pole]()


@dataclass(frozen=True, slots=True)
class Opposites:
    exact: dict[str, frozenset[Pole]]
    of_stem: dict[str, frozenset[Pole]]
    particles: dict[str, list[tuple[Pole, frozenset[str], bool]]]
    """What each is of: its pole, the verbs, and whether it needs one of them."""
    first_value: int
    """Axes from this number on are values, which a "not" does not exchange."""
    units: dict[str, Pole]
    switches: frozenset[str]
    verbs: frozenset[str]
    """All verbs of particles."""
    everything: frozenset[str]
    certain: tuple[str, ...]
    vague: frozenset[str]
    conditional: frozenset[str]
    pronouns: frozenset[str]
    be: frozenset[str]
    by: frozenset[str]
    source: frozenset[str]
    target: frozenset[str]
    before: frozenset[str]
    after: frozenset[str]
    states: frozenset[int]
    """Axes of how a thing is, which who looks at it does not say."""
    dates: frozenset[int]
    of_things: frozenset[int]
    """Axes of words that stand before what they are said of."""
    amount: int


@lru_cache(maxsize=MAX_KEPT_WORDS)
def poles_of(token: str) -> frozenset[Pole]:
    known = opposites()
    if found := known.exact.get(token):
        return found
    if len(token) <= _EXACT:
        return _NONE
    return _NONE.union(*(known.of_stem.get(stem, _NONE) for stem in stems(token)))


def does_it(said: Sequence[str], at: int) -> bool:
    """Whether a clause that begins at *at* says what was done to what stands before it: "Added it", "moved them"."""
    begins = said[at : at + 2]
    is_done = bool(begins) and not lexicon().actions.keys().isdisjoint(stems(begins[0]))
    return is_done and not opposites().pronouns.isdisjoint(begins[1:])


@cache
def opposites() -> Opposites:
    words = read_toml(__package__, "opposites.toml")
    axes = [[pole.split() for pole in line.split("|")] for line in _lines(words["opposites"])]
    first_value = len(axes)
    axes += [[pole.split() for pole in line.split("|")] for line in _lines(words["values"])]
    exact: dict[str, set[Pole]] = {}
    of_stem: dict[str, set[Pole]] = {}
    for axis, of_axis in enumerate(axes):
        for number, pole in enumerate(of_axis):
            for word in pole:
                exact.setdefault(word, set()).add((axis, number))
                for stem in stems(word) if len(word) > _EXACT else ():
                    of_stem.setdefault(stem, set()).add((axis, number))
    particles: dict[str, list[tuple[Pole, frozenset[str], bool]]] = {}
    for line in _lines(words["particles"]):
        name, verbs, poles_of = line.split(":")
        [axis] = {axis for axis, _ in exact[name]}
        for at, line_of_pole in enumerate(poles_of.split("|")):
            for word in line_of_pole.split():
                particles.setdefault(word, []).append(((axis, at), frozenset(verbs.split()), name == "signin"))
    switches = frozenset(_lines(words["particles"])[0].split(":")[1].split())
    units = {
        word: (axis, at)
        for axis, line in enumerate(_lines(words["units"]))
        for at, pole in enumerate(line.split("|"))
        for word in pole.split()
    }
    sets = {name: frozenset(text.split()) for name, text in words.items()}
    return Opposites(
        {word: frozenset(poles) for word, poles in exact.items()},
        {stem: _alone(poles) for stem, poles in of_stem.items()},
        particles,
        first_value,
        units,
        switches,
        frozenset().union(*(verbs for each in particles.values() for _, verbs, _ in each)),
        sets["all"],
        tuple(f" {line} " for line in _lines(words["certain"])),
        sets["vague"],
        sets["conditional"],
        sets["pronouns"],
        sets["be"],
        sets["by"],
        sets["from"],
        sets["to"],
        sets["before"] | sets["before_noun"],
        sets["after"] | sets["after_noun"],
        frozenset(axis for word in _STATES for axis, _ in exact[word]),
        frozenset(axis for word in ("monday", "january") for axis, _ in exact[word]),
        frozenset(axis for word in ("oldest", "first", "internal", "primary") for axis, _ in exact[word]),
        min(axis for axis, _ in exact["full"]),
    )


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()


def _alone(poles: Iterable[Pole]) -> frozenset[Pole]:
    """Those whose axis stands there once: a stem that two poles of one share says nothing of it."""
    axes = [axis for axis, _ in poles]
    return frozenset(pole for pole in poles if axes.count(pole[0]) == 1)
