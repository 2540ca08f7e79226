"""Properties tried on generated inputs: few in `make test`, many with `make fuzz` (FUZZ_EXAMPLES)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
TRIED: Counter[str] = Counter()
_SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)


def fuzzed(*strategies: Any, **named: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`given`, for as many inputs as this run tries."""

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        decorated: Callable[..., Any] = _SETTINGS(given(*strategies, **named)(test))  # type: ignore[no-untyped-call]
        return decorated

    return decorate
