"""Prices and budgets that a tenant's file sets."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from app.core.price import Price
from tests.builders import a_tenant


@pytest.mark.parametrize(
    "model",
    [
        {"daily_token_budget": 0},
        {"monthly_budget_usd": 0},
        {"daily_budget_usd": -1},
        {"monthly_budget_usd": float("nan")},
        {"monthly_budget_usd": float("inf")},
        {"price": {"input": 1}},
        {"price": {"input": -1, "output": 1}},
        {"price": {"input": float("nan"), "output": 1}},
        {"price": 0.15},
    ],
    ids=str,
)
def test_a_budget_or_price_that_cannot_be_is_refused(model: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_tenant(model=model)


def test_a_price_is_for_a_million_tokens() -> None:
    price = Price(input=0.15, output=0.60)
    assert price.of(prompt_tokens=2_000_000, completion_tokens=500_000) == pytest.approx(0.6)
