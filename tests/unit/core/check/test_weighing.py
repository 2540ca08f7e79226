"""How likely a record says a sentence: a weighed sum of what was found of it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib import resources

import pytest

from app.core.check.weighing import TERMS, TRAITS, Traits, terms, weigh

WHOLE = Traits(**dict.fromkeys(TRAITS, 0.0) | {"short": 1 / 6, "found": 0.6, "long": 0.5})
HALF = replace(WHOLE, gap=0.4, missing=1 / 3, found=0.4)


def test_each_trait_has_three_weights_and_there_is_no_other() -> None:
    read = tomllib.loads(resources.files("app.core.check").joinpath("weighing.toml").read_text("utf-8"))
    assert [list(read[table]) for table in ("always", "missing", "short")] == [list(TRAITS)] * 3
    assert len(terms(WHOLE)) == len(TERMS) == 3 * len(TRAITS)


def test_the_second_weight_counts_only_where_a_word_is_missing() -> None:
    assert any(terms(HALF)[len(TRAITS) : 2 * len(TRAITS)])
    assert not any(terms(WHOLE)[len(TRAITS) : 2 * len(TRAITS)])


def test_a_sentence_of_which_all_is_found_is_likely_and_one_of_which_nothing_is_found_is_not() -> None:
    assert weigh(WHOLE) > 0.85
    assert weigh(replace(WHOLE, gap=1, missing=1, found=0)) < 0.2


@pytest.mark.parametrize(
    "name",
    [
        *("gap", "missing", "undone", "undone_there", "claims", "secret", "turned", "orders", "in_ticket"),
        *("opposite", "of_others", "too_many", "unspoken"),
    ],
)
def test_what_speaks_against_a_sentence_makes_it_less_likely(name: str) -> None:
    assert weigh(replace(HALF, **{name: 1.0})) < weigh(HALF)


@pytest.mark.parametrize("name", ["found", "held", "ordinary"])
def test_what_speaks_for_a_sentence_makes_it_more_likely(name: str) -> None:
    assert weigh(replace(HALF, **{name: 1.0})) > weigh(HALF)
