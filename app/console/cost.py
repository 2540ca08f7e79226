"""The page Cost: tokens and money by tenant, model and day, with a forecast for the month. Also as CSV."""

from __future__ import annotations

import csv
import io
from calendar import monthrange
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import ClientException

from app.console.pages import page
from app.console.resources import Resources
from app.console.sessions import User
from app.console.words import money, number
from app.core.budget import Budget, Usage, budgets
from app.core.price import PRICES_DATE
from app.core.tenant import Tenant
from app.db.reports.costs import DayCost, Helpful, list_costs, list_helpful
from app.db.reports.models import list_estimated, list_unpriced

_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2999
# A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_COLUMNS: Final = ("day", "tenant", "model", "notes", "prompt_tokens", "completion_tokens", "cost_usd", "key")


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month (UTC), and the share of it that has passed."""

    first: date
    is_current: bool
    share: float

    @property
    def end(self) -> date:
        return self.first + timedelta(days=monthrange(self.first.year, self.first.month)[1])

    @property
    def before(self) -> date:
        return (self.first - timedelta(days=1)).replace(day=1)

    def forecast(self, so_far: float) -> float:
        """The cost of the whole month at the rate of *so_far*."""
        return so_far / self.share if self.share else so_far


def month_of(value: str | None, now: datetime) -> Month:
    """The month `2026-11`, or the one that *now* is in."""
    current = now.astimezone(UTC).date().replace(day=1)
    try:
        first = datetime.strptime(value, "%Y-%m").replace(tzinfo=UTC).date() if value else current
    except ValueError:
        first = date.min
    if not _FIRST_YEAR <= first.year <= _LAST_YEAR:
        raise ClientException("A month is written as 2026-11.")
    if first != current:
        return Month(first, is_current=False, share=1.0)
    begun = datetime(first.year, first.month, 1, tzinfo=UTC)
    whole = timedelta(days=monthrange(first.year, first.month)[1])
    return Month(first, is_current=True, share=max((now - begun) / whole, 1 / 1000))


@dataclass(frozen=True, slots=True)
class TenantCost:
    """A tenant's month."""

    tenant: Tenant
    notes: int
    tokens: int
    cost: Decimal
    is_estimated: bool = False
    """Some of the tokens, and so of the cost."""
    is_unpriced: bool = False
    """A model whose price is not known wrote some of the notes."""
    helpful: int = 0
    """Notes that a technician voted helpful."""
    budgets: Sequence[Budget] = ()

    @property
    def per_helpful(self) -> Decimal | None:
        """US dollars; None: no note was voted helpful, or not all is priced."""
        return self.cost / self.helpful if self.helpful and not self.is_unpriced else None


def per_tenant(
    tenants: Sequence[Tenant],
    days: Sequence[DayCost],
    estimated: Collection[tuple[UUID, str]] = (),
    *,
    unpriced: Collection[tuple[UUID, str]] = (),
    votes: Sequence[Helpful] = (),
    usage: Mapping[UUID, Usage] = MappingProxyType({}),
) -> list[TenantCost]:
    """Each tenant's cost of the month, the highest first.

    Args:
        tenants: All that have a row.
        days: Their days of the month.
        estimated: The tenants and models whose endpoint does not tell its tokens.
        unpriced: Those whose price is not known.
        votes: On the month's notes.
        usage: What is used of the budgets now. A month without it, which is over, has its monthly budgets alone.
    """
    rows = []
    unsure = {tenant_id for tenant_id, _ in estimated}
    free = {tenant_id for tenant_id, _ in unpriced}
    for tenant in tenants:
        own = [day for day in days if day.tenant_id == tenant.id]
        cost = sum((day.cost_usd for day in own), Decimal(0))
        notes, tokens = sum(day.notes for day in own), sum(day.tokens for day in own)
        used = usage.get(tenant.id, Usage(tokens_this_month=tokens, usd_this_month=cost))
        found = budgets(tenant.model, used, is_priced=tenant.id not in free)
        rows.append(
            TenantCost(
                tenant,
                notes,
                tokens,
                cost,
                is_estimated=tenant.id in unsure,
                is_unpriced=tenant.id in free,
                helpful=sum(each.helpful for each in votes if each.tenant_id == tenant.id),
                budgets=[each for each in found if tenant.id in usage or each.kind.span == "this month"],
            )
        )
    return sorted(rows, key=lambda row: (-row.cost, -row.tokens))


@get("/cost")
async def show_cost(
    request: Request[Any, Any, Any], resources: NamedDependency[Resources], user: NamedDependency[User]
) -> Response[str]:
    month = month_of(request.query_params.get("month"), datetime.now(UTC))
    tenants = [known.tenant for known in resources.tenants if not known.tenant.is_instance]
    days = await _days(resources, tenants, month)
    ids = [tenant.id for tenant in tenants]
    estimated = await list_estimated(resources.database, ids, since=month.first, until=month.end)
    unpriced = await list_unpriced(resources.database, ids, since=month.first, until=month.end)
    votes = await list_helpful(resources.database, ids, since=month.first, until=month.end)
    seen = await resources.snapshot()
    usage = {each.tenant_id: each.usage for each in seen.figures} if month.is_current else {}
    rows = per_tenant(tenants, days, estimated, unpriced=unpriced, votes=votes, usage=usage)
    by_model: dict[str, list[DayCost]] = defaultdict(list)
    for day in days:
        by_model[day.model].append(day)
    models = [
        (model or "none", sum(d.notes for d in own), sum(d.tokens for d in own), sum(d.cost_usd for d in own))
        for model, own in sorted(by_model.items(), key=lambda item: -sum(d.tokens for d in item[1]))
    ]
    paid_by_clients = {tenant.id for tenant in tenants if tenant.model.has_own_key}
    ours = [day for day in days if day.tenant_id not in paid_by_clients]
    theirs = [day for day in days if day.tenant_id in paid_by_clients]
    return page(
        "cost.html",
        user=user,
        here="cost",
        month=month,
        rows=rows,
        helpful=sum(row.helpful for row in rows if row.tenant.id not in paid_by_clients),
        unpriced={model for _, model in unpriced},
        prices_date=PRICES_DATE,
        estimated={model or "none" for _, model in estimated},
        models=models,
        columns=_columns(month, days),
        cost=sum((day.cost_usd for day in ours), Decimal(0)),
        tokens=sum(day.tokens for day in ours),
        clients=len(paid_by_clients),
        clients_cost=sum((day.cost_usd for day in theirs), Decimal(0)),
        clients_tokens=sum(day.tokens for day in theirs),
        notes=sum(day.notes for day in ours),
    )


def _columns(month: Month, days: Sequence[DayCost]) -> list[tuple[str, dict[str, float]]]:
    columns = []
    for index in range((month.end - month.first).days):
        own = [day for day in days if day.day == month.first + timedelta(days=index)]
        tokens, cost = sum(day.tokens for day in own), sum((day.cost_usd for day in own), Decimal(0))
        when = f"{month.first + timedelta(days=index):%d %b}"
        columns.append((f"{when}: {number(tokens)} tokens, {money(cost)}", {"a": float(tokens)}))
    return columns


@get("/cost.csv")
async def export_cost(request: Request[Any, Any, Any], resources: NamedDependency[Resources]) -> Response[str]:
    month = month_of(request.query_params.get("month"), datetime.now(UTC))
    tenants = [known.tenant for known in resources.tenants if not known.tenant.is_instance]
    slugs = {tenant.id: tenant.slug for tenant in tenants}
    keys = {tenant.id: "own" if tenant.model.has_own_key else "shared" for tenant in tenants}
    days = await _days(resources, tenants, month)
    rows = [
        (
            *(d.day, slugs[d.tenant_id], d.model, d.notes, d.prompt_tokens, d.completion_tokens, d.cost_usd),
            keys[d.tenant_id],
        )
        for d in days
    ]
    name = f"ai-agents-cost-{month.first:%Y-%m}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(as_csv(_COLUMNS, rows), media_type="text/csv; charset=utf-8", headers=headers)


async def _days(resources: Resources, tenants: Sequence[Tenant], month: Month) -> list[DayCost]:
    ids = [tenant.id for tenant in tenants]
    return await list_costs(resources.database, ids, since=month.first, until=month.end)


def as_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The rows as CSV (RFC 4180). A text that a spreadsheet would run as a formula gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA) else value
