"""How a candidate is told: by a sign, "is", "to" or nothing between it and the word for a password."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final, NamedTuple

from app.core.detect.cues import Cue
from app.core.detect.finding import QUOTES
from app.core.detect.prose.words import AS, LIKE, OTHERS, fold, of_language, word_lists
from app.core.detect.scan import Scan

_SIGN_BEFORE = re.compile(rf"(?:[:=：＝→⇒]|[-=]>|\s[–—-])[\s{QUOTES}(\[*]*$")
_BETWEEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+")
TELLING: Final = frozenset({"sign", "dash", "verb", "into", "beside", "like"})
NEAR: Final = 40
_VERBS_OF_CJK: Final = frozenset("是为為は는은")
_CLAUSE = re.compile(r"[,;:(){}\[\]]|\s[–—-]\s")
_CLOSES_GAP: Final = QUOTES + "( \n*"
_NEXT_WORDS: Final = 24
LONGEST_AS: Final = 5
GIVEN: Final = frozenset({"sign", "verb", "into"})
NEAR_LINKS: Final = frozenset({*GIVEN, "dash", "beside", "like", "as_cue"})


class Told(NamedTuple):
    link: str
    distance: int
    between: Sequence[str]
    has_clause: bool
    """Another clause, or a sign, stands between the cue and it."""


def told_after(scan: Scan, cue: Cue, start: int, end: int) -> Told:
    known = word_lists()
    verbs, to = of_language(known.verb, cue.language), of_language(known.to, cue.language)
    gap = scan.lower[cue.end : start]
    between = _BETWEEN.findall(gap)
    rest = list(between)
    while rest and fold(rest[-1]) in known.soft and rest[-1] not in verbs:
        rest.pop()
    if sign := _SIGN_BEFORE.search(gap):
        link = "dash" if sign[0].strip(" " + _CLOSES_GAP) in {"-", "–", "—"} else "sign"
        while rest and rest[-1] in verbs:
            rest.pop()
    elif not rest:
        link = "verb" if between or gap.strip()[-1:] in _VERBS_OF_CJK else "beside"
    else:
        is_set = rest[-1] in to and _is_set(scan, cue, between, end)
        if link := "into" if is_set else _link(rest[-1], verbs, to):
            rest.pop()
    has_clause = bool(_CLAUSE.search(gap, 0, sign.start() if sign else len(gap.rstrip(_CLOSES_GAP))))
    return Told(link, len(rest), rest, has_clause)


def _link(word: str, verbs: frozenset[str], to: frozenset[str]) -> str:
    """What *word* is that stands before a candidate, or ""."""
    lists = (("verb", verbs), ("towards", to), ("like", LIKE), ("other", OTHERS))
    return next((link for link, words in lists if word in words), "")


def words_before(scan: Scan, start: int) -> list[str]:
    """The words before *start*, folded."""
    return [fold(word) for word in _BETWEEN.findall(scan.text, max(start - NEAR, 0), start)]


def _is_set(scan: Scan, cue: Cue, between: Sequence[str], end: int) -> bool:
    """Whether the sentence says that a password was set: before the cue, between it and *end*, or after."""
    right = _BETWEEN.findall(scan.text, end, end + _NEXT_WORDS)
    return not word_lists().sets.isdisjoint((*words_before(scan, cue.start), *map(fold, chain(between, right))))


def told_before(scan: Scan, cue: Cue, end: int, *, is_plain: bool) -> Told:
    gap = scan.text[end : cue.start]
    between = [fold(word) for word in _BETWEEN.findall(gap)]
    joint = AS if is_plain else word_lists().as_cue
    is_as = 0 < len(between) <= LONGEST_AS and not joint.isdisjoint(between[: 1 if is_plain else 3])
    is_bracket = not between and "(" in gap
    return Told("as_cue" if is_as or is_bracket else "", len(between), between, bool(_CLAUSE.search(gap)))
