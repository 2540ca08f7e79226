"""The command `costs`: what the notes cost, by tenant, month and model."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from app.cli.ledger import open_ledger
from app.cli.run import choose_clients, load_directory, run

if TYPE_CHECKING:
    from uuid import UUID

    from app.core.tenant import Tenant

_NAMED: Final = 3
"""Columns of names; the others are numbers."""
_PER: Final = {"cost_per_note_usd": "notes", "cost_per_helpful_note_usd": "helpful"}


@click.command()
@click.option("--tenant", "slug", metavar="SLUG", help="Only this one; all otherwise.")
@click.option("--month", metavar="YYYY-MM", help="Only this one; the running month and the two before otherwise.")
@click.option("--json", "is_json", is_flag=True, help="For a program.")
def costs(slug: str | None, month: str | None, *, is_json: bool) -> None:
    r"""What the notes cost, by tenant, month (UTC) and model; a helpful note's cost; what of each budget is used.

    US dollars, by model.price of the tenant's file, else MODEL_PRICES, else list prices. Votes are kept 90 days.

    \b
    Example:
      ai-agents costs --tenant acme --month 2026-11
      ai-agents costs --json
    """
    from app.core.price import PRICES_DATE

    first, end = _months(month)
    directory = load_directory()
    chosen = choose_clients(directory, slug)
    rows, used, unpriced = run(_read_costs([known.tenant for known in chosen], first, end))
    if is_json:
        told = {"prices_date": PRICES_DATE.isoformat(), "costs": rows, "budgets": used, "unpriced": unpriced}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    head = ("month", "tenant", "model", "notes", "tokens", "cost", "a note", "helpful", "a helpful note")
    table = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    for line in table:
        named = (cell.ljust(width) for cell, width in zip(line[:_NAMED], widths[:_NAMED], strict=True))
        numbers = (cell.rjust(width) for cell, width in zip(line[_NAMED:], widths[_NAMED:], strict=True))
        click.echo("  ".join([*named, *numbers]))
    for each in used:
        limit = f"${each['limit']:,.2f}" if each["budget"].endswith("usd") else f"{each['limit']:,.0f} tokens"
        why = "" if each["is_countable"] else "; its model has no price"
        click.echo(f"{each['tenant']}: {each['share']:.0%} of {each['budget']}, {limit}{why}")
    if unpriced:
        from app.core.price import UNPRICED_REMEDY

        click.echo(f"no price is known for {', '.join(unpriced)}, whose cost is in no figure here: {UNPRICED_REMEDY}")
    click.echo(f"list prices as of {PRICES_DATE:%Y-%m-%d}, where none is set")


def _months(value: str | None) -> tuple[date, date]:
    """From the first day to the day after the last."""
    today = datetime.now(UTC).date().replace(day=1)
    if value is None:
        before = (today - timedelta(days=1)).replace(day=1)
        return (before - timedelta(days=1)).replace(day=1), _next_month(today)
    try:
        first = datetime.strptime(value, "%Y-%m").replace(tzinfo=UTC).date()
        return first, _next_month(first)
    except (ValueError, OverflowError):
        raise click.UsageError("--month is written as 2026-11") from None


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


async def _read_costs(
    tenants: list[Tenant], first: date, end: date
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """The rows, the budgets, and the models whose price is not known."""
    from app.core.budget import budgets
    from app.db.reports.costs import Usages, list_costs, list_helpful
    from app.db.reports.models import list_unpriced

    slugs = {tenant.id: tenant.slug for tenant in tenants}
    span = {"since": first, "until": end}
    async with open_ledger() as database:
        days = await list_costs(database, list(slugs), **span)
        votes = {(v.tenant_id, v.month, v.model): v for v in await list_helpful(database, list(slugs), **span)}
        unpriced = await list_unpriced(database, list(slugs), **span)
        usage = await Usages().load_each(database, [each.id for each in tenants if each.model.has_budget])
    found: dict[tuple[UUID, date, str], dict[str, Any]] = {}
    for day in days:
        key = (day.tenant_id, day.day.replace(day=1), day.model)
        row = found.setdefault(
            key, {"notes": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost_usd": 0.0, "helpful": 0, "unhelpful": 0}
        )
        for name in ("notes", "prompt_tokens", "completion_tokens"):
            row[name] += getattr(day, name)
        row["cost_usd"] += float(day.cost_usd)
    rows = []
    for (tenant_id, month, model), row in sorted(found.items(), key=lambda each: (each[0][1], slugs[each[0][0]])):
        if vote := votes.get((tenant_id, month, model)):
            row |= {"helpful": vote.helpful, "unhelpful": vote.unhelpful}
        cost = None if (tenant_id, model) in unpriced and not row["cost_usd"] else row["cost_usd"]
        each = {name: cost / row[by] if cost is not None and row[by] else None for name, by in _PER.items()}
        named = {"month": f"{month:%Y-%m}", "tenant": slugs[tenant_id], "model": model or None}
        rows.append({**named, **row, "cost_usd": cost, **each})
    used = [
        {"tenant": tenant.slug, "budget": found.kind, "limit": found.limit, "used": found.used, "share": found.share,
         "is_countable": found.is_countable}
        for tenant in tenants
        if tenant.id in usage
        for found in budgets(
            tenant.model, usage[tenant.id], is_priced=not any(owner == tenant.id for owner, _ in unpriced)
        )
    ]  # fmt: skip
    return rows, used, sorted({model for _, model in unpriced})


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    tokens = row["prompt_tokens"] + row["completion_tokens"]
    amounts = (row["cost_usd"], *(row[name] for name in _PER))
    cost, a_note, a_helpful_note = ("-" if amount is None else f"${amount:,.4f}" for amount in amounts)
    named = (row["month"], row["tenant"], row["model"] or "none", str(row["notes"]))
    return (*named, f"{tokens:,}", cost, a_note, str(row["helpful"]), a_helpful_note)
