"""The logistic function by which traits with weights become a likelihood."""

from __future__ import annotations

import math
from collections.abc import Mapping


def logistic(score: float) -> float:
    """0 to 1; a score of 0 is one half."""
    return 1 / (1 + math.exp(-score))


def likelihood(traits: object, bias: float, weights: Mapping[str, float]) -> float:
    """0 to 1, by the attributes of *traits* that *weights* names."""
    return logistic(bias + sum(getattr(traits, name) * weight for name, weight in weights.items()))
