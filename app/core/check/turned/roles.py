"""Who does what to whom, and to how many.

    record                                  sentence                                turned round
    ─────────────────────────────────────   ─────────────────────────────────────   ────────────
    "The update was started by the policy"  "The policy was started by the update"  yes
    "moved from drive E to drive F"         "moved from drive F to drive E"         yes
    "Delete the oldest copies"              "Delete all copies"                     yes: none says so of all

All of them are told by words of opposites.toml, and by participles.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from app.core.check.clauses import Clause
from app.core.check.lexicon import lexicon
from app.core.check.opposites import opposites
from app.core.check.tokens import stems

_ALL_OF: Final = 3
_AGENT: Final = 4


def swaps(own: Clause, other: Clause) -> bool:
    """Whether who does it and to what, or from where and to where, have changed places."""
    known, actions = opposites(), lexicon().actions
    mine, theirs = _sides(own, known.by), _sides(other, known.by)
    if mine and theirs:
        return _are_swapped(mine, theirs)
    done = {token for token in own.tokens if token.endswith("ed") and any(stem in actions for stem in stems(token))}
    if shared := done.intersection(other.tokens):
        one, two = _sides(own, shared), _sides(other, shared)
        if one and two and all((*one, *two)):
            return _are_swapped(one, two[::-1] if mine or theirs else two)
    from_to = [(_behind(each, known.source), _behind(each, known.target)) for each in (own, other)]
    return all(start and end for start, end in from_to) and _are_swapped(*from_to)


def _are_swapped(mine: tuple[frozenset[str], frozenset[str]], theirs: tuple[frozenset[str], frozenset[str]]) -> bool:
    one, two = mine
    return bool(one & theirs[1] and two & theirs[0]) and not two & theirs[1]


def _sides(clause: Clause, words: AbstractSet[str]) -> tuple[frozenset[str], frozenset[str]] | None:
    """The keys before and shortly behind the first of *words* that stands in it."""
    at = next((at for at, token in enumerate(clause.tokens) if at and token in words), None)
    if at is None or clause.tokens[at + 1 : at + 2] == () or clause.tokens[at + 1].endswith("ing"):
        return None
    return _keys(clause, clause.tokens[:at]), _keys(clause, clause.tokens[at + 1 : at + 1 + _AGENT])


def _behind(clause: Clause, words: frozenset[str]) -> frozenset[str]:
    at = next((at for at, token in enumerate(clause.tokens) if token in words), None)
    return frozenset() if at is None else _keys(clause, clause.tokens[at + 1 : at + 3])


def _keys(clause: Clause, part: Sequence[str]) -> frozenset[str]:
    return frozenset(stem for token in part for stem in stems(token) if stem in clause.keys)


def takes_all(own: Clause, other: Clause) -> bool:
    """Whether what is done is done to all, and *other* does not say so."""
    everything, words = opposites().everything, lexicon()
    at = next((at for at, token in enumerate(own.tokens) if token in everything), None)
    if at is None or not everything.isdisjoint(other.tokens):
        return False
    following = {stem for token in own.tokens[at + 1 : at + 1 + _ALL_OF] for stem in stems(token)}
    begins = any(stem in words.actions for stem in stems(own.tokens[0])) or own.tokens[0] in opposites().switches
    return begins and not following.isdisjoint(other.keys)
