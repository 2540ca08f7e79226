"""What a model's call costs by its vendor's list price, as `genai-prices` knows it.

The prices are those of the package's release: `uv lock --upgrade-package genai-prices` renews them. Nothing is asked of
the network: the package does that only where its `UpdatePrices` is started, which we never do.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from genai_prices import Usage, calc_price


def cost_usd(endpoint: str, model: str, *, prompt_tokens: int, completion_tokens: int) -> float | None:
    """US dollars for one call of *model* at *endpoint*; None when its price is not known.

    An endpoint that is no vendor's own may be a gateway: then the model's name says whose it is, as `gpt-4o` and
    `anthropic/claude-sonnet-4-5` do.
    """
    usage = Usage(input_tokens=prompt_tokens, output_tokens=completion_tokens)
    sellers: list[dict[str, Any]] = [{"provider_api_url": endpoint}, {"provider_id": "litellm"}]
    for seller in sellers:
        with suppress(LookupError, ValueError):
            return float(calc_price(usage, model, **seller).total_price)
    return None
