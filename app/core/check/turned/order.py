"""What comes first: "before" for "after", in a clause and between two.

    record                                     sentence                                    turned round
    ────────────────────────────────────────   ─────────────────────────────────────────   ────────────
    "Restart it after 20:00"                   "Restart it before 20:00"                   yes
    "Export the key, then delete the profile"  "Delete the profile before you export …"    yes
    "Before you delete it, export the key"     "Export the key and then delete it"         no

What stands right behind the other, with "and" or "then", comes later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.core.check.clauses import ANDS, Clause
from app.core.check.opposites import opposites
from app.core.check.turned.likeness import ranked, shared

_THEN: Final = frozenset("then dann danach puis ensuite luego".split())
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
    """As `_order`, where one is told right behind the other: "switched it on and it worked"."""
    later = clauses[max(first, second)]
    is_next = abs(first - second) == 1 and later.mark == "" and later.tokens[0] in ANDS | _THEN
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
            return -sign
    return 0


def _places(own: Clause, clauses: Sequence[Clause]) -> list[int]:
    """Those of the *clauses* that say it."""
    if not own.keys:
        rest = frozenset(own.tokens[1:])
        return [at for at, each in enumerate(clauses) if len(rest.intersection(each.tokens)) > _SAYING_SAME * len(rest)]
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
