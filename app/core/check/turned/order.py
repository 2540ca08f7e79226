"""What comes first: "before" for "after", in a clause and between two.

    record                                     sentence                                    turned round
    ────────────────────────────────────────   ─────────────────────────────────────────   ────────────
    "Restart it after 20:00"                   "Restart it before 20:00"                   yes
    "Export the key, then delete the profile"  "Delete the profile before you export …"    yes
    "Before you delete it, export the key"     "Export the key and then delete it"         no

What stands right behind the other, with "and" or "then", comes later. "After four minutes" tells how long it took, and
Spanish "después" is "then" where no "de" or "que" follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.core.check.clauses import ANDS, Clause, with_changes
from app.core.check.lexicon import lexicon
from app.core.check.opposites import opposites
from app.core.check.tokens import stems
from app.core.check.turned.likeness import ranked, shared

_THEN: Final = frozenset("then dann danach puis ensuite luego".split())
_OF_AFTER: Final = frozenset({"de", "del", "que"})
"""Behind Spanish "después", where it is "after"."""
_SPANS: Final = frozenset(
    stem
    for word in (
        "second minute hour day week month sekunde minute stunde tag woche monat"
        " seconde minute heure jour semaine segundo minuto hora dia semana"
    ).split()
    for stem in stems(word)
)
_SPAN_TOKENS: Final = 3
"""Of "after four minutes"."""
_NEAR_CLAUSES: Final = 3
_LONG: Final = 3
_SAYING_SAME: Final = 0.75
"""Share of the words of the sentence's clause that the record's has."""


def is_in_other_order(one: Clause, two: Clause, of_records: Sequence[Sequence[Clause]]) -> bool:
    """Whether one of two clauses is said to be before the other, and each record that has both says it is after it."""
    order = _order(one, two) if one.mark != "," else 0
    if not order:
        return False
    orders = [
        _order(clauses[first], clauses[second]) or _order_of_telling(clauses, first, second)
        for clauses in of_records
        for first in _places(one, clauses)
        for second in _places(two, clauses)
        if first != second and abs(first - second) <= _NEAR_CLAUSES
    ]
    told = [each for each in orders if each]
    return bool(told) and all(each == -order for each in told)


def _order_of_telling(clauses: Sequence[Clause], first: int, second: int) -> int:
    """As `_order`, where one is told right behind the other: "switched it on and it worked", "… after an hour"."""
    at = max(first, second)
    later, behind = clauses[at], clauses[at + 1 : at + 2]
    is_then = later.mark == "" and later.tokens[0] in ANDS | _THEN
    takes_time = bool(behind) and _is_span(behind[0]) and behind[0].tokens[0] in opposites().after
    is_next = abs(first - second) == 1 and (is_then or takes_time)
    return (1 if first < second else -1) if is_next else 0


def _order(one: Clause, two: Clause) -> int:
    """1: *one* comes first; -1: *two* does; 0: they do not say."""
    known = opposites()
    if two.mark not in {"", ","} or (two.mark and two.tokens[0] in known.before | known.after):
        return 0
    for clause, sign in ((one, -1), (two, 1)):
        if clause.tokens[0] in known.before:
            return sign
        if clause.tokens[0] in known.after:
            return sign if _is_then(clause) else -sign
    return 0


def _is_span(clause: Clause) -> bool:
    """Whether it tells how long it took: "after four minutes"."""
    _, *span = clause.tokens
    is_one = len(clause.tokens) == _SPAN_TOKENS and clause.tokens[0] in opposites().after | opposites().before
    return is_one and _is_number(span[0]) and any(stem in _SPANS for stem in stems(span[1]))


def _is_number(token: str) -> bool:
    return token.isdecimal() or any(stem in lexicon().numbers for stem in stems(token))


def _is_then(clause: Clause) -> bool:
    return clause.tokens[0] == "despues" and _OF_AFTER.isdisjoint(clause.tokens[1:2])


def _places(own: Clause, clauses: Sequence[Clause]) -> list[int]:
    """Those of the *clauses* that say it."""
    if not own.keys:
        rest = frozenset(own.tokens[1:])
        return [at for at, each in enumerate(clauses) if len(rest.intersection(each.tokens)) > _SAYING_SAME * len(rest)]
    if not _is_span(own):  # "four minutes after it" and "after four minutes" say the same
        own = with_changes(own, keys=own.keys - _SPANS - lexicon().numbers)
    alike = ranked(own, clauses) if any(map(str.isalpha, own.keys)) else []
    top = max((rank for rank, _ in alike), default=0)
    return [at for at, each in enumerate(clauses) if any(rank == top and each is other for rank, other in alike)]


def is_of_other_time(own: Clause, other: Clause) -> bool:
    """Whether one says "before" and the other "after", and both tell the same of it."""
    if shared(own.keys, other.keys) < _SAYING_SAME * len(own.keys):
        return False
    (mine, at), (theirs, place) = _time(own), _time(other)
    if mine * theirs != -1:
        return False
    return len(own.keys) > _LONG or (at > 0 and own.tokens[at + 1 : at + 2] == other.tokens[place + 1 : place + 2])


def _time(clause: Clause) -> tuple[int, int]:
    """-1: it says "before", 1: "after", and where; 0: neither."""
    known = opposites()
    for at, token in enumerate(clause.tokens):
        if token in known.before or token in known.after:
            return (-1 if token in known.before else 1), at
    return 0, 0
