"""The cost of a model's call by the vendor's list price, from the package `genai-prices`.

The prices are those of the package's release: `uv lock --upgrade-package genai-prices` updates them. Nothing is
fetched: the package does that only if its `UpdatePrices` is started, which we don't.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from genai_prices import Usage, calc_price


def cost_usd(endpoint: str, model: str, *, prompt_tokens: int, completion_tokens: int) -> float | None:
    """US dollars for one call of *model* at *endpoint*; None when its price is not known.

    If the endpoint is not that of a known vendor, it may be a gateway: then the vendor is found by the model's name,
    e.g. `gpt-4o` or `anthropic/claude-sonnet-4-5`.
    """
    usage = Usage(input_tokens=prompt_tokens, output_tokens=completion_tokens)
    sellers: list[dict[str, Any]] = [{"provider_api_url": endpoint}, {"provider_id": "litellm"}]
    for seller in sellers:
        with suppress(LookupError, ValueError):
            return float(calc_price(usage, model, **seller).total_price)
    return None
