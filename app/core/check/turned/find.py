"""Whether a sentence turns a record round: its words, with an opposite, another value or a "not" more or less.

Clauses are compared, so that a "not" elsewhere in the record excuses nothing. For each clause of the sentence those of
the records that have most of its words are looked at (`likeness`); it is turned if it contradicts each of them:

    by                                                    in
    ───────────────────────────────────────────────────   ──────────
    opposites and values: "include", "Monday"             `exchange`
    a "not" more or less: "is in offline mode"            `denial`
    "before" for "after"                                  `order`
    who does it to whom, "all" of what is done            `roles`
    what a number counts: "64 % free", or is said of      `counts`

Two of them, "not off" for "on", say the same. The words are those of opposites.toml.

Invariant: what is found depends on the sentence and the records alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from app.core.check.clauses import Clause, clauses_of
from app.core.check.opposites import Pole, opposites, poles_of
from app.core.check.records import Record
from app.core.check.sentences import Words
from app.core.check.tokens import is_break, normal, tokens
from app.core.check.turned.counts import counts_otherwise, is_of_other_number
from app.core.check.turned.denial import has_not, is_contrast, is_denied, is_new_denial, is_order
from app.core.check.turned.exchange import agrees, contradicts, was_done
from app.core.check.turned.likeness import ranked
from app.core.check.turned.order import is_in_other_order, is_of_other_time
from app.core.check.turned.roles import swaps, takes_all
from app.core.kept import kept_if_short


def is_turned(words: Words, records: Sequence[Record]) -> bool:
    """Whether a clause of *words* contradicts each clause of *records* that says most of it."""
    of_records = [record.clauses for record in records]
    there, own = [clause for each in of_records for clause in each], clauses_of(words.tokens)
    return (
        counts_otherwise(words.line, records)
        or any(_is_turned(clause, there) for clause in own if clause.keys)
        or any(is_in_other_order(one, two, of_records) for one, two in pairwise(own))
    )


def _is_turned(own: Clause, there: Sequence[Clause]) -> bool:
    if any(is_denied(own, other) for other in there if other.is_whole) or has_not(own, there):
        return True
    if is_of_other_number(own, there):
        return True
    if (own.negated is not True or own.contrast) and any(is_contrast(own, other) for other in there if other.contrast):
        return True
    alike = ranked(own, [other for other in there if not other.is_whole])
    top = max((rank for rank, _ in alike), default=0)
    best = [other for rank, other in alike if rank == top]
    is_said = any(agrees(own, other) for rank, other in alike if int(rank) == int(top))
    is_said = is_said or any(was_done(own, other) for other in there)
    if own.negated and best and is_new_denial(own, best[0], there if is_order(own) else [each for _, each in alike]):
        return True
    return bool(best) and all(
        (not is_said and contradicts(own, other))
        or is_of_other_time(own, other)
        or takes_all(own, other)
        or swaps(own, other)
        for other in best
    )


def is_too_certain(words: Words, records: Sequence[Record]) -> bool:
    """Whether it says "certainly", "right now" or the like, and no record does."""
    line = f" {' '.join(token for token in words.tokens if not is_break(token))} "
    return any(
        phrase in line and not any(phrase in record.words for record in records) for phrase in opposites().certain
    )


def is_on_another_day(words: Words, records: Sequence[Record]) -> bool:
    """Whether it names a weekday or a month that no record names."""
    known = opposites()
    named = {pole for token in words.tokens for pole in poles_of(token) if pole[0] in known.dates}
    return bool(named) and not named <= frozenset[Pole]().union(*(_dates_in(record.text) for record in records))


@kept_if_short
def _dates_in(text: str) -> frozenset[Pole]:
    known = opposites()
    return frozenset(pole for token in tokens(normal(text)) for pole in poles_of(token) if pole[0] in known.dates)
