"""A tenant's budgets for its model, and what of them is used. No I/O.

Invariant: a budget that can't be counted counts as used up: a limit in money holds also where the price of the model is
not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from app.core.price import BudgetKind
from app.core.tenant import ModelOptions

WARNING_SHARE: Final = 0.8
"""From this share on a budget is told to be nearly used."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tenant's notes took of its model since the day and since the month (UTC) began."""

    tokens_today: int = 0
    tokens_this_month: int = 0
    usd_today: Decimal = Decimal(0)
    usd_this_month: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Budget:
    """One limit, and what of it is used."""

    kind: BudgetKind
    limit: float
    used: float
    is_countable: bool = True
    """False: it is of money, and the price of the model is not known."""

    @property
    def share(self) -> float:
        """Of the limit; 1 and more: the model is not asked any more."""
        return self.used / self.limit if self.is_countable else max(self.used / self.limit, 1.0)

    @property
    def is_used_up(self) -> bool:
        return self.share >= 1

    @property
    def is_nearly_used(self) -> bool:
        return WARNING_SHARE <= self.share < 1


def budgets(options: ModelOptions, usage: Usage, *, is_priced: bool) -> list[Budget]:
    """The budgets that *options* set. *is_priced*: the price of each model that may be asked is known."""
    return list(_budgets(options, usage, is_priced=is_priced))


def _budgets(options: ModelOptions, usage: Usage, *, is_priced: bool) -> Iterator[Budget]:
    used: dict[BudgetKind, float | Decimal] = {
        BudgetKind.DAILY_TOKENS: usage.tokens_today,
        BudgetKind.MONTHLY_TOKENS: usage.tokens_this_month,
        BudgetKind.DAILY_USD: usage.usd_today,
        BudgetKind.MONTHLY_USD: usage.usd_this_month,
    }
    for kind, amount in used.items():
        limit = getattr(options, kind)
        if limit is not None:
            yield Budget(kind, limit, float(amount), is_countable=is_priced or not kind.is_money)
