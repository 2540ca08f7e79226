"""Fits the weights of `core.logistic` to what is known. Needs numpy, which the extra `vectors` brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

Known = tuple[object, bool, float]
"""Traits, whether it is so, and how much it counts."""
_ROUNDS: Final = 60


def fit(
    known: Sequence[Known], names: Sequence[str], *, ridge: float, signs: Mapping[str, int] = MappingProxyType({})
) -> tuple[float, dict[str, float]]:
    """The bias and weights that make *known* most likely.

    Args:
        known: At least one that is so and one that is not.
        names: Of the traits that are weighed, attributes with values of 0 to 1.
        ridge: How much a large weight costs; the bias is free.
        signs: 1 or -1 for a weight that may have this sign alone. One that would have the other is 0.
    """
    free = list(names)
    while True:
        bias, weights = _newton(known, free, ridge)
        wrong = {name for name, weight in weights.items() if weight * signs.get(name, 0) < 0}
        if not wrong:
            return bias, {name: weights.get(name, 0.0) for name in names}
        free = [name for name in free if name not in wrong]


def _newton(known: Sequence[Known], names: Sequence[str], ridge: float) -> tuple[float, dict[str, float]]:
    values = np.array([[1.0, *(getattr(traits, name) for name in names)] for traits, _, _ in known])
    is_so = np.array([float(each) for _, each, _ in known])
    counts = np.array([each for _, _, each in known])
    cost = np.diag([0.0, *[ridge] * len(names)])
    found = np.zeros(values.shape[1])
    for _ in range(_ROUNDS):
        likely = 1 / (1 + np.exp(-np.clip(values @ found, -30, 30)))
        slope = values.T @ (counts * (is_so - likely)) - cost @ found
        curve = (values * (counts * likely * (1 - likely))[:, None]).T @ values + cost
        found = found + np.linalg.solve(curve, slope)
    return float(found[0]), dict(zip(names, map(float, found[1:]), strict=True))


def lines(bias: float, weights: Mapping[str, float]) -> list[str]:
    """The bias and weights as lines of TOML."""
    return [f"bias = {bias:.2f}", "", "[weight]", *(f"{name} = {weight:.2f}" for name, weight in weights.items())]
