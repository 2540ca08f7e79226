"""The price of a model, and the names of the budgets that a tenant may set for it. No I/O."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, Field

PRICES_DATE: Final = date(2026, 11, 10)
"""Of the list prices: when the release of the package that has them was published. It names no date itself."""
UNPRICED_REMEDY: Final = (
    "set MODEL_PRICES, or model.price in the tenant's file; {input: 0, output: 0} if it costs nothing"
)
_MILLION: Final = 1_000_000


class Price(BaseModel, frozen=True, extra="forbid"):
    """US dollars for a million tokens."""

    input: float = Field(ge=0, le=10_000)
    output: float = Field(ge=0, le=10_000)

    def of(self, *, prompt_tokens: int, completion_tokens: int) -> float:
        """US dollars for one call."""
        return (self.input * prompt_tokens + self.output * completion_tokens) / _MILLION


class BudgetKind(StrEnum):
    """The key of a tenant's `model` that sets it."""

    DAILY_TOKENS = "daily_token_budget"
    MONTHLY_TOKENS = "monthly_token_budget"
    DAILY_USD = "daily_budget_usd"
    MONTHLY_USD = "monthly_budget_usd"

    @property
    def is_money(self) -> bool:
        return self in {BudgetKind.DAILY_USD, BudgetKind.MONTHLY_USD}

    @property
    def span(self) -> str:
        return "today" if self in {BudgetKind.DAILY_TOKENS, BudgetKind.DAILY_USD} else "this month"
