"""The cost of a model's call: by the tenant's own price, by `MODEL_PRICES`, or by its vendor's list price.

List prices are those of the package `genai-prices` as of `core.price.PRICES_DATE`: `uv lock --upgrade-package
genai-prices` updates them. Nothing is fetched: the package does that only if its `UpdatePrices` is started, which we
don't.

Invariant: a model that nobody has a price for costs None, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from genai_prices import Usage, calc_price

from app.core.price import Price

ANY_OTHER: Final = "*"
"""In `MODEL_PRICES`: the price of what has no other."""


def cost_usd(endpoint: str, model: str, *, prompt_tokens: int, completion_tokens: int) -> float | None:
    """US dollars for one call of *model* at *endpoint* by its vendor's list price; None when that is not known.

    If the endpoint is not that of a known vendor, it may be a gateway: then the vendor is found by the model's name,
    e.g. `gpt-4o` or `anthropic/claude-sonnet-4-5`.
    """
    usage = Usage(input_tokens=prompt_tokens, output_tokens=completion_tokens)
    sellers: list[dict[str, Any]] = [{"provider_api_url": endpoint}, {"provider_id": "litellm"}]
    for seller in sellers:
        with suppress(LookupError, ValueError):
            return float(calc_price(usage, model, **seller).total_price)
    return None


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices that hold for one tenant."""

    named: Mapping[str, Price] = field(default_factory=lambda: MappingProxyType({}))
    """`MODEL_PRICES`, by model; `*` for each that has no other."""
    own: Price | None = None
    """Of the tenant's file, for whichever model answers."""

    def cost(self, endpoint: str, model: str, *, prompt_tokens: int, completion_tokens: int) -> float | None:
        """US dollars for one call; None when nobody knows the price."""
        price = self.own or self.named.get(model)
        tokens = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
        if price is None and (listed := cost_usd(endpoint, model, **tokens)) is not None:
            return listed
        price = price or self.named.get(ANY_OTHER)
        return None if price is None else price.of(**tokens)

    def knows(self, endpoint: str, model: str) -> bool:
        """Whether *model* has a price."""
        return self.cost(endpoint, model, prompt_tokens=1, completion_tokens=1) is not None
