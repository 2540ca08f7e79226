"""Which clauses of the records speak of the same as a clause of the sentence.

    sentence    "Delete the newest copies on srv-fs01"      its words: copies, srv-fs01; its axis: newest/oldest
    record      "Delete the oldest copies on srv-fs01"      both words and the axis: the first
                "Copies are kept for 10 days"               one word of two, one less than the first: compared, too
                "The printer was replaced"                  none: not compared

So a longer clause says more of it than a shorter one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.core.check.clauses import Clause
from app.core.check.lexicon import lexicon

_SHARE: Final = 0.6
"""So many of a clause's words a clause of a record must have to be compared with it."""
_MANY: Final = 1_000


def ranked(own: Clause, there: Sequence[Clause]) -> list[tuple[float, Clause]]:
    """The clauses that have most of its words, or one less, ranked by these, by its axes, and by all of its tokens."""
    alike = [(shared(own.keys, other.keys), other) for other in there if not own.keys.isdisjoint(other.keys)]
    prose = [key for key in own.keys if key.isalpha()] or own.keys  # where it is may stand elsewhere in the record
    least = max(_SHARE * len(prose), min(2, len(own.keys)), max((number for number, _ in alike), default=0) - 1)
    own_axes, all_tokens = axes(own), frozenset(own.tokens)
    return [
        (
            number
            + len(own_axes & {axis for axis, _ in other.poles | other.near | other.of_thing})
            + len(all_tokens.intersection(other.tokens)) / _MANY,
            other,
        )
        for number, other in alike
        if number >= least
    ]


def shared(keys: frozenset[str], there: frozenset[str]) -> int:
    """How many of *keys* are among *there*, or another word for the same is."""
    same = lexicon().same
    return sum(key in there or (key in same and not same[key].isdisjoint(there)) for key in keys)


def axes(clause: Clause) -> set[int]:
    """Of its poles."""
    return {axis for axis, _ in clause.poles}
