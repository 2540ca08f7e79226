"""What a number counts, and what it is said of.

    record                                    sentence                              turned round by
    ───────────────────────────────────────   ───────────────────────────────────   ─────────────────────────────
    "larger than 50 GB"                       "larger than 50 MB"                   the unit
    "64 % full"                               "64 % free"                           what the share is of
    "ERR 53 means no share, ERR 112 a full    "ERR 53 means a full disk"            another number of the record,
    disk"                                                                           which stands beside other words

Numbers in words are numbers, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from app.core.check.clauses import Clause
from app.core.check.lexicon import lexicon
from app.core.check.opposites import Pole, opposites
from app.core.check.records import Record
from app.core.check.tokens import normal, stems, tokens
from app.core.check.turned.likeness import shared
from app.core.kept import MAX_KEPT_WORDS, kept_if_short

_NUMBER = re.compile(r"(\d+)([a-z]*)")
_TELLING: Final = 2
_SAYING_SAME: Final = 0.75
"""So many words of the sentence's clause, and this share, stand beside another number."""
_PERCENT: Final = frozenset({"percent", "prozent"})


def counts_otherwise(line: str, records: Sequence[Record]) -> bool:
    """Whether a number counts something else than in the records: "50 MB" for "50 GB", "64 % free" for "64 % full"."""
    counted = _counted(line)
    if not counted:
        return False
    there = frozenset[tuple[str, Pole]]().union(*(_counted_in(record.text) for record in records))
    return any(
        each not in there and any(number == each[0] and unit[0] == each[1][0] for number, unit in there)
        for each in counted
    )


@kept_if_short
def _counted_in(text: str) -> frozenset[tuple[str, Pole]]:
    return _counted(normal(text))


@lru_cache(maxsize=512)
def _counted(text: str) -> frozenset[tuple[str, Pole]]:
    units, said = opposites().units, tokens(text)
    found: set[tuple[str, Pole]] = set()
    for at, token in enumerate(said):
        if number := _number(token):
            following = said[at + 1 : at + 3]
            behind = following[1:] if following[:1] and following[0] in _PERCENT else following
            unit = number[1] or (behind[0] if behind else "")
            if unit in units:
                found.add((number[0], units[unit]))
            else:
                of_share = next((units[each] for each in said[at + 1 : at + 6] if each in units), None)
                if of_share is not None and of_share[0] == units["free"][0]:
                    found.add((number[0], of_share))
    return frozenset(found)


@lru_cache(maxsize=MAX_KEPT_WORDS)
def _number(token: str) -> tuple[str, str] | None:
    """The number that *token* is, also in words, and a unit right behind it: "50gb"."""
    if found := _NUMBER.fullmatch(token):
        return found[1], found[2]
    return next(((_digits()[stem], "") for stem in stems(token) if stem in _digits()), None)


@cache
def _digits() -> dict[str, str]:
    """For the stem of a number in words its digits."""
    words = lexicon()
    digits = {line: digit for digit, line in words.digits.items()}
    return {stem: digits[line] for stem in words.numbers for line in words.actions[stem] if line in digits}


def is_of_other_number(own: Clause, there: Sequence[Clause]) -> bool:
    """Whether what *own* says of "ERR 53" stands in the records beside another "ERR" alone, and "ERR 53" elsewhere."""
    mine = _named(own)
    words = frozenset(key for key in own.keys if key.isalpha())
    if not mine or len(words) < _TELLING:
        return False
    counting = [(each, named) for each in there if not (each.is_whole or each.is_field) and (named := _named(each))]
    for name, number in mine:
        beside = max((shared(words, each.keys) for each, named in counting if (name, number) in named), default=0)
        others = [
            shared(words, each.keys)
            for each, named in counting
            if (name, number) not in named and any(other == name for other, _ in named - mine)
        ]
        said = max(others, default=0)
        if 0 < beside < said and said >= max(_TELLING, _SAYING_SAME * len(words)):
            return True
    return False


def _named(clause: Clause) -> frozenset[tuple[str, str]]:
    """Its numbers, each with the word before it and the one behind it."""
    said = clause.tokens
    return frozenset(
        (said[beside], token)
        for at, token in enumerate(said)
        if token.isdecimal()
        for beside in (at - 1, at + 1)
        if 0 <= beside < len(said) and said[beside].isalpha() and said[beside] not in lexicon().function
    )
