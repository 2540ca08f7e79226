"""A tenant's budgets: what is used of them, and when they stop the model."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.core.budget import Usage, budgets
from app.core.price import BudgetKind
from tests.builders import a_tenant

USAGE = Usage(tokens_today=800, tokens_this_month=9_000, usd_today=Decimal("1.5"), usd_this_month=Decimal("10.25"))


def found(*, is_priced: bool = True, **model: Any) -> dict[str, float]:
    return {each.kind: each.share for each in budgets(a_tenant(model=model).model, USAGE, is_priced=is_priced)}


def test_without_a_budget_there_is_none() -> None:
    assert found() == {}
    assert not a_tenant().model.has_budget


def test_each_budget_has_its_share() -> None:
    limits: dict[str, Any] = {
        "daily_token_budget": 1_000,
        "monthly_token_budget": 10_000,
        "daily_budget_usd": 1.5,
        "monthly_budget_usd": 41,
    }
    assert found(**limits) == {
        BudgetKind.DAILY_TOKENS: 0.8,
        BudgetKind.MONTHLY_TOKENS: 0.9,
        BudgetKind.DAILY_USD: 1.0,
        BudgetKind.MONTHLY_USD: 0.25,
    }


def test_a_budget_warns_from_eighty_per_cent_on_and_stops_at_a_hundred() -> None:
    [warns] = budgets(a_tenant(model={"daily_token_budget": 1_000}).model, USAGE, is_priced=True)
    [fine] = budgets(a_tenant(model={"daily_token_budget": 1_001}).model, USAGE, is_priced=True)
    [over] = budgets(a_tenant(model={"daily_token_budget": 800}).model, USAGE, is_priced=True)
    assert (warns.is_nearly_used, warns.is_used_up) == (True, False)
    assert (fine.is_nearly_used, fine.is_used_up) == (False, False)
    assert (over.is_nearly_used, over.is_used_up) == (False, True)


def test_a_budget_in_money_without_a_price_is_used_up_and_one_in_tokens_is_not() -> None:
    assert found(is_priced=False, monthly_budget_usd=1_000, monthly_token_budget=10_000) == {
        BudgetKind.MONTHLY_TOKENS: 0.9,
        BudgetKind.MONTHLY_USD: 1.0,
    }
