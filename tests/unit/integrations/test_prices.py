import pytest
from genai_prices.data_snapshot import get_snapshot

from app.integrations.prices import cost_usd

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
