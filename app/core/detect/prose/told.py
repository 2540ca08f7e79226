"""How a candidate is told: by a sign, "is", "to" or nothing between it and the word for a password."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from app.core.detect.cues import INFLECTED, NO_COPULA, Cue
from app.core.detect.finding import QUOTES
from app.core.detect.hints import WORDS
from app.core.detect.password_words import NO_VALUE
from app.core.detect.prose.words import ATTRIBUTES, OTHERS, THINGS, fold, is_ordinary, of_language, word_lists
from app.core.detect.scan import Scan

_SIGN_BEFORE = re.compile(rf"(?:[:=：＝→⇒]|[-=]>|\s[–—-])[\s{QUOTES}(\[*]*$")
_BETWEEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+")
TELLING: Final = frozenset({"sign", "dash", "verb", "into", "beside", "like"})
NEAR: Final = 40
OF: Final = "of"
_ORDER: Final = "order"
"""In "set it in order to"."""
_ONE_OF_MANY: Final = frozenset("a an default temporary initial".split())
"""Before "password of x", where x is the password, and not whose it is."""
_VERBS_OF_CJK: Final = frozenset("是为為成はを는은를을")
_AS_ENDING = re.compile(
    r"jelszót|jelszóval|jelszónak|şifresini|şifresiyle|şifresi|parolasını|parolasıyla|parolası|parooliks|parooliga"
    r"|salasanaksi|salasanalla"
)
"""A word for a password whose ending says "as" or "with", or makes what stands before it the password."""
_CLAUSE = re.compile(r"[,;:(){}\[\]]|\s[–—-]\s")
_REMARK = re.compile(r"\s?\([\w ]{1,24}\)(?=\s\w)")
_CLOSES_GAP: Final = QUOTES + "( \n*"
_NEXT_WORDS: Final = 24
LONGEST_AS: Final = 5
GIVEN: Final = frozenset({"sign", "verb", "into"})
NEAR_LINKS: Final = frozenset({*GIVEN, "dash", "beside", "like", "as_cue"})


_USE: Final = frozenset("use put usa pon nimm".split())
FOR: Final = frozenset("for as für als pour comme para como per come voor jako dla".split())
_LONGEST_PREPOSITION: Final = 4
_ADJECTIVES: Final = 3
PHRASE_FOR: Final = 2


class Told(NamedTuple):
    link: str
    distance: int
    between: Sequence[str]
    has_clause: bool
    """Another clause, or a sign, stands between the cue and it."""


ANSWERED: Final = Told("verb", 0, (), has_clause=False)


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
    elif (
        between == [OF]
        and not (cue.language or cue.is_code)
        and not _ONE_OF_MANY.isdisjoint(words_before(scan, cue.start)[-_ADJECTIVES:])
    ):
        link, rest = "verb", []
    elif cue.language in NO_COPULA and len(rest) == PHRASE_FOR and fold(rest[0]) in known.prepositions:
        link, rest = "beside", []  # пароль от почты x
    elif not rest:
        is_object = scan.lower[cue.start : cue.end] in INFLECTED
        link = "verb" if (between and not is_object) or gap.strip()[-1:] in _VERBS_OF_CJK else "beside"
    elif rest[-1][-1] in _VERBS_OF_CJK:
        link = "verb"
        rest.pop()
    else:
        is_set = rest[-1] in to and _ORDER not in between and _is_set(scan, cue, between, end)
        if link := "into" if is_set else _link(rest[-1], verbs, to):
            rest.pop()
    gap = gap[: sign.start()] if sign else gap.rstrip(_CLOSES_GAP)
    has_clause = bool(_CLAUSE.search(_REMARK.sub("", gap) if "(" in gap else gap))
    return Told(link, len(rest), rest, has_clause)


def _link(word: str, verbs: frozenset[str], to: frozenset[str]) -> str:
    """What *word* is that stands before a candidate, or ""."""
    lists = (("verb", verbs), ("towards", to), ("like", word_lists().like), ("other", OTHERS))
    return next((link for link, words in lists if word in words), "")


def words_before(scan: Scan, start: int) -> list[str]:
    """The words before *start*, folded."""
    return [fold(word) for word in _BETWEEN.findall(scan.text, max(start - NEAR, 0), start)]


def words_after(scan: Scan, end: int) -> list[str]:
    """The words after *end*, folded."""
    return [fold(word) for word in _BETWEEN.findall(scan.text, end, end + _NEXT_WORDS)]


def _is_set(scan: Scan, cue: Cue, between: Sequence[str], end: int) -> bool:
    """Whether the sentence says that a password was set: before the cue, between it and *end*, or after."""
    words = (*words_before(scan, cue.start), *map(fold, between), *words_after(scan, end))
    return not word_lists().sets.isdisjoint(words)


def is_typed_for(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether a word stands between *before* and *after* as in "use x for the password"."""
    is_verb = any(word in word_lists().typed and len(word) > _LONGEST_PREPOSITION for word in before)
    return (is_verb or not _USE.isdisjoint(before)) and not FOR.isdisjoint(after)


def told_before(scan: Scan, cue: Cue, span: tuple[int, int], *, is_plain: bool) -> Told:
    start, end = span
    gap = scan.text[end : cue.start]
    between = [fold(word) for word in _BETWEEN.findall(gap)]
    is_word = is_plain and not is_typed_for(words_before(scan, start)[-1:], between[:1])
    joint = word_lists().like if is_word else word_lists().as_cue
    is_as = 0 < len(between) <= LONGEST_AS and not joint.isdisjoint(between[: 1 if is_plain else 3])
    is_bracket = "(" in gap and _is_named_in_brackets(scan, cue, span, between)
    is_as = is_as or (not between and not is_plain and bool(_AS_ENDING.fullmatch(scan.lower, cue.start, cue.end)))
    return Told("as_cue" if is_as or is_bracket else "", len(between), between, bool(_CLAUSE.search(gap)))


def _is_named_in_brackets(scan: Scan, cue: Cue, span: tuple[int, int], between: Sequence[str]) -> bool:
    """Whether brackets behind a value say what it is: "4471 (door code)", not "48213 (PIN reset)", "room 4471 (…)"."""
    if not between:
        return ATTRIBUTES.isdisjoint(words_after(scan, cue.end)[:1])
    is_whole = scan.text[span[1] : cue.start].lstrip().startswith("(") and scan.text.startswith(")", cue.end)
    is_of_thing = not THINGS.isdisjoint(words_before(scan, span[0])[-1:])
    if not is_whole or is_of_thing or cue.is_weak or len(between) >= LONGEST_AS:
        return False
    if scan.lower[cue.start : cue.end] in WORDS["code"]:  # of which the words before it say that it is one of a lock
        return NO_VALUE.isdisjoint(between)
    return not any(map(is_ordinary, between))
