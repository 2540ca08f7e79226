"""How likely the records say a sentence that they do not say word for word: what speaks for it and against it, weighed.

The likelihood is a logistic function of `Traits`. Each has three weights, since what speaks against a sentence does so
otherwise where a word is missing, and the more the shorter it is:

    always     as it is
    missing    once more where a word is missing
    short      once more by how short the sentence is

They were fitted to sentences of which is known whether a record says them (`python -m eval.safety.fit`,
docs/support.md).
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, fields
from functools import cache
from typing import Final

from app.core.logistic import logistic
from app.core.toml import read_toml


@dataclass(frozen=True, slots=True)
class Traits:
    """What of a sentence is found in the windows of its records. Each value is 0 to 1."""

    gap: float
    """The share of its content words, and of its operands, that is not found."""
    missing: float
    """Content words that are not found: a sixth for each."""
    found: float
    """Content words that are found: a tenth for each."""
    long: float
    """Content words: a twelfth for each."""
    short: float
    """1 by the number of its content words."""
    loose: float
    """Words found far from those that they stand beside in the sentence: a third for each."""
    two_places: float
    """1: two places together say it."""
    operands: float
    """Operands near to the words: a third for each."""
    named: float
    """Its operands: a quarter for each."""
    held: float
    """Operands that a record of the words has: a quarter for each."""
    elsewhere: float
    """1: an operand stands in another record, or place, than the words."""
    in_ticket: float
    """Of what is not found, words that the ticket has: a quarter for each."""
    in_others: float
    """Of what is not found, words that another place of the records has: a quarter for each."""
    ordinary: float
    """Of what is not found, words of any matter: a third for each."""
    happens: float
    """Of what is not found, words for what happens by itself: a half for each."""
    people: float
    """1: a person is not found."""
    undone: float
    """What it says to be done and the records do not: a half for each."""
    undone_there: float
    """1: they name what is done, but not beside its object."""
    orders: float
    """1: it may say what is to be done."""
    claims: float
    """1: it says what somebody may, and the records do not say all of it."""
    secret: float
    """1: it names what is secret."""
    turned: float
    """1: a clause of it has no "not" or "only" where the record's has one, or the other way round."""
    negated: float
    """1: it has a "not"."""
    only: float
    """1: it has an "only"."""
    not_negated: float
    """1: the record has a "not" and it has none."""
    opposite: float
    """1: it says the opposite by one word: "disabled", "without", "outside"."""
    of_others: float
    """1: others do it than the records say, or are given what these do not give."""
    too_many: float
    """1: it is short, says what is done or may be, and one word is not found."""
    unspoken: float
    """1: it is in another language than the note and its records, and much of it is not found."""


TRAITS: Final = tuple(field.name for field in fields(Traits))
_TABLES: Final = ("always", "missing", "short")
TERMS: Final = tuple(f"{table}.{name}" for table in _TABLES for name in TRAITS)


def terms(traits: Traits) -> list[float]:
    """The values that are weighed, in the order of `TERMS`."""
    values = [getattr(traits, name) for name in TRAITS]
    missing = values if traits.missing else [0.0] * len(values)
    return [*values, *missing, *(value * traits.short for value in values)]


def weigh(traits: Traits) -> float:
    """How likely a record says the sentence, 0 to 1."""
    bias, weights = _weights()
    return logistic(bias + sum(map(operator.mul, terms(traits), weights)))


@cache
def _weights() -> tuple[float, list[float]]:
    read = read_toml(__package__, "weighing.toml")
    return read["bias"], [read[table][name] for table in _TABLES for name in TRAITS]
