"""What enhancements cost. Read from the hourly counters, not from the enhancements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from app.core.budget import Usage
from app.core.enhancement import Enhancement
from app.db.each import ask_each, load_each
from app.db.session import Database, Row
from app.db.sql import load

# A tenant's sums, and all tenants' day by day: a thousand have too many days and models to be added up here.
_SUMS: Final = """
select tenant_id, model, day, sum(notes) as notes, sum(prompt_tokens + completion_tokens) as tokens, sum(cost_usd) as cost_usd
from {each} found group by grouping sets ((tenant_id, model), (day))
"""

_DAYS: Final = load_each(__package__, "days")
_MONTH: Final = load_each(__package__, "days", of_all=_SUMS)
_HELPFUL: Final = load_each(__package__, "helpful_notes")
_COUNT_TRIAL: Final = load(__package__, "count_trial")
_DOCUMENTS: Final = load(__package__, "documents")
_USAGE: Final = load(__package__, "usage")
_USAGES: Final = load_each(__package__, "usage")


class DayCost(NamedTuple):
    """The cost of one tenant, day (UTC) and model, as a row of `days.sql`. The model is empty for notes without a model."""

    tenant_id: UUID
    day: date
    model: str
    notes: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: Decimal


async def list_costs(database: Database, tenant_ids: Sequence[UUID], *, since: date, until: date) -> list[DayCost]:
    """Each tenant's days from *since* (included) to *until* (excluded)."""
    return await ask_each(database, tenant_ids, _DAYS, lambda row: DayCost(*row.values()), since=since, until=until)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of some notes."""

    notes: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.notes + other.notes, self.tokens + other.tokens, self.cost_usd + other.cost_usd)


@dataclass(frozen=True, slots=True)
class MonthCost:
    """The sums of some tenants' days."""

    by_model: dict[tuple[UUID, str], Cost]
    """Of each tenant and model."""
    by_day: dict[date, Cost]
    """Of all these tenants."""


async def load_month(database: Database, tenant_ids: Sequence[UUID], *, since: date, until: date) -> MonthCost:
    """The days from *since* (included) to *until* (excluded)."""

    def read(row: Row) -> tuple[Row, Cost]:
        return row, Cost(int(row["notes"]), int(row["tokens"]), row["cost_usd"])

    by_model: dict[tuple[UUID, str], Cost] = {}
    by_day: dict[date, Cost] = defaultdict(Cost)
    for row, cost in await ask_each(database, tenant_ids, _MONTH, read, since=since, until=until):
        if row["day"] is None:
            by_model[row["tenant_id"], row["model"]] = cost
        else:
            by_day[row["day"]] += cost
    return MonthCost(by_model, by_day)


@dataclass(frozen=True, slots=True)
class Helpful:
    """Votes on a tenant's notes of one month (UTC) and model."""

    tenant_id: UUID
    month: date
    model: str
    helpful: int
    unhelpful: int


async def list_helpful(database: Database, tenant_ids: Sequence[UUID], *, since: date, until: date) -> list[Helpful]:
    """The votes on each tenant's notes of these days. They are kept 90 days, as the notes are."""
    return await ask_each(database, tenant_ids, _HELPFUL, lambda row: Helpful(**row), since=since, until=until)


class Usages:
    """What each tenant's enhancements took of its model. What is of the month's earlier days is read once a day."""

    def __init__(self) -> None:
        self._earlier: dict[UUID, tuple[date, int, Decimal]] = {}
        """Until which day (UTC, not included), and tokens and US dollars since its month began."""

    async def load(self, database: Database, tenant_id: UUID) -> Usage:
        """Of one tenant: today and in the current calendar month (UTC)."""
        async with database.transaction(tenant_id) as tx:
            [row] = await tx.rows(_USAGE, tenant_id=tenant_id, known=self._known(tenant_id))
        return self._read(tenant_id, row)

    async def load_each(self, database: Database, tenant_ids: Sequence[UUID]) -> dict[UUID, Usage]:
        """Of each of these tenants."""
        known: dict[date | None, list[UUID]] = defaultdict(list)
        for tenant_id in tenant_ids:
            known[self._known(tenant_id)].append(tenant_id)

        def read(row: Row) -> tuple[UUID, Usage]:
            return row["tenant_id"], self._read(row["tenant_id"], row)

        found: dict[UUID, Usage] = {}
        for day, ids in known.items():
            found |= await ask_each(database, ids, _USAGES, read, known=day)
        return found

    def _known(self, tenant_id: UUID) -> date | None:
        """Until which day."""
        known = self._earlier.get(tenant_id)
        return known and known[0]

    def _read(self, tenant_id: UUID, row: Row) -> Usage:
        known = self._earlier.get(tenant_id)
        if known is None or not row["is_of_today"]:
            tokens, usd = row["tokens"] - row["tokens_today"], row["usd"] - row["usd_today"]
            known = self._earlier[tenant_id] = row["today"], tokens, usd
        return Usage(
            tokens_today=row["tokens_today"],
            tokens_this_month=known[1] + row["tokens_today"],
            usd_today=row["usd_today"],
            usd_this_month=known[2] + row["usd_today"],
        )


async def count_trial(database: Database, tenant_id: UUID, enhancement: Enhancement) -> None:
    """Count the tokens and the cost of an enhancement that is not stored."""
    values = {
        "tenant_id": tenant_id,
        "model": enhancement.paid_model or "",
        "prompt_tokens": enhancement.prompt_tokens,
        "completion_tokens": enhancement.completion_tokens,
        "cost_usd": enhancement.cost_usd or 0,
    }
    async with database.transaction(tenant_id) as tx:
        await tx.run(_COUNT_TRIAL, **values)


async def list_documents(database: Database, tenant_id: UUID) -> dict[str, int]:
    """How many documents of each kind, `ticket` and `article`, the tenant's search can find."""
    async with database.transaction(tenant_id) as tx:
        return {row["kind"]: row["documents"] for row in await tx.rows(_DOCUMENTS, tenant_id=tenant_id)}
