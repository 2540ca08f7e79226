from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.core.logistic import likelihood
from eval import logistic

KNOWN = [
    (SimpleNamespace(helps=1.0, hurts=0.0), True, 1.0),
    (SimpleNamespace(helps=1.0, hurts=1.0), True, 1.0),
    (SimpleNamespace(helps=0.0, hurts=0.0), True, 1.0),
    (SimpleNamespace(helps=1.0, hurts=1.0), False, 1.0),
    (SimpleNamespace(helps=0.0, hurts=1.0), False, 2.0),
]


def test_the_weights_are_the_most_likely_ones() -> None:
    """Where the slope of each weight is what it costs, and that of the bias nothing."""
    bias, weights = logistic.fit(KNOWN, ["helps", "hurts"], ridge=0.5)
    off = [(traits, count * (is_so - likelihood(traits, bias, weights))) for traits, is_so, count in KNOWN]
    assert sum(each for _, each in off) == pytest.approx(0, abs=1e-9)
    for name, weight in weights.items():
        assert sum(getattr(traits, name) * each for traits, each in off) == pytest.approx(0.5 * weight)
    assert weights["helps"] > 0 > weights["hurts"]


def test_a_weight_of_the_wrong_sign_is_nothing_and_the_others_are_fitted_without_it() -> None:
    fitted = logistic.fit(KNOWN, ["helps", "hurts"], ridge=0.5, signs={"helps": 1, "hurts": 1})
    bias, alone = logistic.fit(KNOWN, ["helps"], ridge=0.5)
    assert fitted == (bias, {"helps": alone["helps"], "hurts": 0.0})
