import re
from pathlib import Path

import pytest
from genai_prices.data_snapshot import get_snapshot

from app.core.price import PRICES_DATE, Price
from app.integrations.prices import Prices, cost_usd

OPENAI = "https://api.openai.com/v1/"
OWN = "http://10.1.2.3:8000/v1/"


def per_million(endpoint: str, model: str) -> float | None:
    return cost_usd(endpoint, model, prompt_tokens=1_000_000, completion_tokens=1_000_000)


# What the table in code said until now, and names beside it.
@pytest.mark.parametrize(
    ("endpoint", "model", "usd"),
    [
        (OPENAI, "gpt-4o-mini", 0.75),
        (OPENAI, "gpt-4o", 12.50),
        (OPENAI, "gpt-4.1-nano", 0.50),
        (OPENAI, "gpt-4.1-mini", 2.00),
        (OPENAI, "gpt-4.1", 10.00),
        (OPENAI, "gpt-4o-mini-2024-07-18", 0.75),
        (OWN, "gpt-4o-mini", 0.75),
        (OWN, "openai/gpt-4o", 12.50),
        (OWN, "azure/gpt-4o", 12.50),
        (OWN, "anthropic/claude-sonnet-4-5", 28.50),
        (OWN, "claude-sonnet-4-5", 28.50),
        ("https://acme.openai.azure.com/openai/v1/", "gpt-4o-mini-2024-07-18", 0.75),
        ("https://openrouter.ai/api/v1/", "openai/gpt-4o", 12.50),
    ],
)
def test_a_known_model_has_its_price(endpoint: str, model: str, usd: float) -> None:
    assert per_million(endpoint, model) == pytest.approx(usd)


def test_prompt_and_answer_have_a_price_each() -> None:
    assert cost_usd(OPENAI, "gpt-4o-mini", prompt_tokens=2_000_000, completion_tokens=0) == pytest.approx(0.30)
    assert cost_usd(OPENAI, "gpt-4o-mini", prompt_tokens=0, completion_tokens=2_000_000) == pytest.approx(1.20)
    assert cost_usd(OPENAI, "gpt-4o-mini", prompt_tokens=0, completion_tokens=0) == 0


@pytest.mark.parametrize("endpoint", [OPENAI, OWN, "", "not a URL", "https://acme.openai.azure.com/openai/v1/"])
@pytest.mark.parametrize(
    "model", ["our-own", "meta-llama/Llama-3.3-70B-Instruct", "Qwen/Qwen3-32B", "llama3.1", "", "/", "a/", "x" * 5_000]
)
def test_a_model_that_nobody_sells_has_none(endpoint: str, model: str) -> None:
    assert per_million(endpoint, model) is None


def test_prices_are_those_of_the_package() -> None:
    """Nothing asks the network for newer ones."""
    assert per_million(OPENAI, "gpt-4o") is not None
    assert not get_snapshot().from_auto_update


def test_the_date_of_the_prices_is_that_of_the_package() -> None:
    lock = (Path(__file__).parents[3] / "uv.lock").read_text("utf-8")
    [package] = re.findall(r'name = "genai-prices"\nversion = .*?upload-time = "(\d{4}-\d\d-\d\d)', lock, re.DOTALL)
    assert package == PRICES_DATE.isoformat()


def one_of_each(prices: Prices, model: str) -> float | None:
    return prices.cost(OWN, model, prompt_tokens=1_000_000, completion_tokens=1_000_000)


def test_a_price_that_is_set_counts_before_the_list() -> None:
    named = {"gpt-4o-mini": Price(input=1, output=2), "ours": Price(input=0, output=0), "*": Price(input=5, output=5)}
    prices = Prices(named)
    assert one_of_each(prices, "gpt-4o-mini") == 3
    assert one_of_each(prices, "ours") == 0
    assert one_of_each(prices, "gpt-4o") == 12.5  # of the list: `*` is for what has no other
    assert one_of_each(prices, "llama3.1") == 10
    assert one_of_each(Prices(named, Price(input=7, output=7)), "gpt-4o-mini") == 14


def test_what_has_no_price_costs_nothing_known_and_not_nothing() -> None:
    prices = Prices({"ours": Price(input=0, output=0)})
    assert one_of_each(prices, "theirs") is None
    assert not prices.knows(OWN, "theirs")
    assert prices.knows(OWN, "ours")
