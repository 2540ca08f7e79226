"""What enhancements cost. Read from the hourly counters, not from the enhancements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.core.budget import Usage
from app.core.enhancement import Enhancement
from app.db.reports.each import ask_each
from app.db.session import Database, Transaction
from app.db.sql import load

_DAYS: Final = load(__package__, "days")
_HELPFUL: Final = load(__package__, "helpful_notes")
_COUNT_TRIAL: Final = load(__package__, "count_trial")
_DOCUMENTS: Final = load(__package__, "documents")
_USAGE: Final = load(__package__, "usage")


@dataclass(frozen=True, slots=True)
class DayCost:
    """The cost of one tenant, day (UTC) and model. The model is empty for notes without a model."""

    tenant_id: UUID
    day: date
    model: str
    notes: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: Decimal

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


async def list_costs(database: Database, tenant_ids: Sequence[UUID], *, since: date, until: date) -> list[DayCost]:
    """Each tenant's days from *since* (included) to *until* (excluded)."""

    async def read(tx: Transaction, tenant_id: UUID) -> list[DayCost]:
        rows = await tx.rows(_DAYS, tenant_id=tenant_id, since=since, until=until)
        return [DayCost(tenant_id=tenant_id, **row) for row in rows]

    return [day for own in await ask_each(database, tenant_ids, read) for day in own]


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

    async def read(tx: Transaction, tenant_id: UUID) -> list[Helpful]:
        rows = await tx.rows(_HELPFUL, tenant_id=tenant_id, since=since, until=until)
        return [Helpful(tenant_id=tenant_id, **row) for row in rows]

    return [each for own in await ask_each(database, tenant_ids, read) for each in own]


class Usages:
    """What each tenant's enhancements took of its model. What is of the month's earlier days is read once a day."""

    def __init__(self) -> None:
        self._earlier: dict[UUID, tuple[date, int, Decimal]] = {}
        """Until which day (UTC, not included), and tokens and US dollars since its month began."""

    async def load(self, tx: Transaction, tenant_id: UUID) -> Usage:
        """Of the tenant of *tx*: today and in the current calendar month (UTC)."""
        known = self._earlier.get(tenant_id)
        [row] = await tx.rows(_USAGE, tenant_id=tenant_id, known=known and known[0])
        if known is None or not row["is_of_today"]:
            tokens, usd = row["tokens"] - row["tokens_today"], row["usd"] - row["usd_today"]
            known = self._earlier[tenant_id] = row["today"], tokens, usd
        return Usage(
            tokens_today=row["tokens_today"],
            tokens_this_month=known[1] + row["tokens_today"],
            usd_today=row["usd_today"],
            usd_this_month=known[2] + row["usd_today"],
        )


async def load_usage(database: Database, tenant_id: UUID, usages: Usages | None = None) -> Usage:
    """What the tenant's enhancements took of its model today and in the current calendar month (UTC)."""
    async with database.transaction(tenant_id) as tx:
        return await (usages or Usages()).load(tx, tenant_id)


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
