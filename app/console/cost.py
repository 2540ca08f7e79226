"""The page Cost: tokens and money by tenant, model and day, with a forecast for the month. Also as CSV."""

from __future__ import annotations

import csv
import io
from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeVar
from uuid import UUID

from litestar import Response, get
from litestar.exceptions import ClientException

from app.console.given import AnyRequest, NamedResources, NamedUser
from app.console.pages import page
from app.console.words import money, number
from app.core.budget import Budget, Usage, budgets
from app.core.price import PRICES_DATE
from app.core.tenant import Tenant
from app.db.reports.costs import Cost, DayCost, Helpful, list_costs, list_helpful, load_month
from app.db.reports.models import list_estimated, list_unpriced

_Key = TypeVar("_Key")

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
    spent: Mapping[tuple[UUID, str], Cost],
    estimated: Collection[tuple[UUID, str]] = (),
    *,
    unpriced: Collection[tuple[UUID, str]] = (),
    votes: Sequence[Helpful] = (),
    usage: Mapping[UUID, Usage] = MappingProxyType({}),
) -> list[TenantCost]:
    """Each tenant's cost of the month, the highest first; *spent*, *estimated* and *unpriced* name tenant and model.

    *usage*: what is used of the budgets now. A month without it, which is over, has its monthly budgets alone.
    """
    rows = []
    unsure = {tenant_id for tenant_id, _ in estimated}
    free = {tenant_id for tenant_id, _ in unpriced}
    helpful: dict[UUID, int] = defaultdict(int)
    for vote in votes:
        helpful[vote.tenant_id] += vote.helpful
    of_all = _sums(spent, lambda tenant_id, _: tenant_id)
    for tenant in tenants:
        own = of_all.get(tenant.id, Cost())
        used = usage.get(tenant.id, Usage(tokens_this_month=own.tokens, usd_this_month=own.cost_usd))
        found = budgets(tenant.model, used, is_priced=tenant.id not in free)
        rows.append(
            TenantCost(
                tenant,
                own.notes,
                own.tokens,
                own.cost_usd,
                is_estimated=tenant.id in unsure,
                is_unpriced=tenant.id in free,
                helpful=helpful[tenant.id],
                budgets=[each for each in found if tenant.id in usage or each.kind.span == "this month"],
            )
        )
    return sorted(rows, key=lambda row: (-row.cost, -row.tokens))


def _sums(spent: Mapping[tuple[UUID, str], Cost], by: Callable[[UUID, str], _Key]) -> dict[_Key, Cost]:
    found: dict[_Key, Cost] = defaultdict(Cost)
    for key, cost in spent.items():
        found[by(*key)] += cost
    return found


@get("/cost")
async def show_cost(request: AnyRequest, resources: NamedResources, user: NamedUser) -> Response[str]:
    month = month_of(request.query_params.get("month"), datetime.now(UTC))
    tenants = [known.tenant for known in resources.tenants if not known.tenant.is_instance]
    ids, span = [tenant.id for tenant in tenants], {"since": month.first, "until": month.end}
    found = await load_month(resources.database, ids, **span)
    estimated = await list_estimated(resources.database, ids, **span)
    unpriced = await list_unpriced(resources.database, ids, **span)
    votes = await list_helpful(resources.database, ids, **span)
    usage = await resources.usage(tenants) if month.is_current else {}
    rows = per_tenant(tenants, found.by_model, estimated, unpriced=unpriced, votes=votes, usage=usage)
    by_model = _sums(found.by_model, lambda _, model: model)
    paid_by_clients = {tenant.id for tenant in tenants if tenant.model.has_own_key}
    by_payer = _sums(found.by_model, lambda tenant_id, _: tenant_id in paid_by_clients)
    ours, theirs = (by_payer.get(own_key, Cost()) for own_key in (False, True))
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
        models=sorted(((model or "none", cost) for model, cost in by_model.items()), key=lambda each: -each[1].tokens),
        columns=_columns(month, found.by_day),
        ours=ours,
        theirs=theirs,
        clients=len(paid_by_clients),
    )


def _columns(month: Month, days: Mapping[date, Cost]) -> list[tuple[str, dict[str, float]]]:
    columns = []
    for index in range((month.end - month.first).days):
        day = month.first + timedelta(days=index)
        cost = days.get(day, Cost())
        title = f"{day:%d %b}: {number(cost.tokens)} tokens, {money(cost.cost_usd)}"
        columns.append((title, {"a": float(cost.tokens)}))
    return columns


@get("/cost.csv")
async def export_cost(request: AnyRequest, resources: NamedResources) -> Response[str]:
    month = month_of(request.query_params.get("month"), datetime.now(UTC))
    tenants = [known.tenant for known in resources.tenants if not known.tenant.is_instance]
    slugs = {tenant.id: tenant.slug for tenant in tenants}
    keys = {tenant.id: "own" if tenant.model.has_own_key else "shared" for tenant in tenants}
    days = await list_costs(resources.database, list(slugs), since=month.first, until=month.end)
    unpriced = await list_unpriced(resources.database, list(slugs), since=month.first, until=month.end)
    rows = [(d.day, slugs[d.tenant_id], *d[2:-1], _priced(d, unpriced), keys[d.tenant_id]) for d in days]
    name = f"ai-agents-cost-{month.first:%Y-%m}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(as_csv(_COLUMNS, rows), media_type="text/csv", headers=headers)


def _priced(day: DayCost, unpriced: Collection[tuple[UUID, str]]) -> Decimal | None:
    """What it cost; None, an empty cell: no price is known."""
    return None if (day.tenant_id, day.model) in unpriced and not day.cost_usd else day.cost_usd


def as_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The rows as CSV (RFC 4180). A text that a spreadsheet would run as a formula gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([_text(value) if isinstance(value, str) else value for value in row] for row in rows)
    return out.getvalue()


@lru_cache  # tens of thousands of rows hold a few slugs and models
def _text(value: str) -> str:
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value
