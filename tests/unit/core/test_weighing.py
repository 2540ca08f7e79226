"""How likely a record says a sentence: a weighed sum of what was found of it."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from importlib import resources

import pytest

from app.core.weighing import Traits, weigh

NAMES = [field.name for field in fields(Traits)]
WHOLE = Traits(**dict.fromkeys(NAMES, 0.0) | {"short": 0.2})
HALF = replace(WHOLE, gap=0.4)


def test_each_trait_has_one_weight_and_there_is_no_other() -> None:
    read = tomllib.loads(resources.files("app.core").joinpath("weighing.toml").read_text("utf-8"))
    assert list(read["weight"]) == NAMES


def test_a_sentence_of_which_all_is_found_is_likely_and_one_of_which_nothing_is_found_is_not() -> None:
    assert weigh(WHOLE) > 0.9
    assert weigh(replace(WHOLE, gap=1)) < 0.2


@pytest.mark.parametrize(
    "name",
    [
        *("gap", "undone", "undone_there", "claims", "secret", "turned", "orders", "in_ticket"),
        *("opposite", "of_others", "too_many", "unspoken"),
    ],
)
def test_what_speaks_against_a_sentence_makes_it_less_likely(name: str) -> None:
    assert weigh(replace(HALF, **{name: 1.0})) < weigh(HALF)


@pytest.mark.parametrize("name", ["operands", "ordinary"])
def test_what_speaks_for_a_sentence_makes_it_more_likely(name: str) -> None:
    assert weigh(replace(HALF, **{name: 1.0})) > weigh(HALF)
