"""What enhancements cost. Read from the hourly counters, not from the enhancements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.db.reports.each import read_each
from app.db.session import Database
from app.db.sql import load_text

_DAYS: Final = load_text(__package__, "days")
_TOKENS_THIS_MONTH: Final = load_text(__package__, "tokens_this_month")


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

    async def read(session: AsyncSession, tenant_id: UUID) -> list[DayCost]:
        rows = await session.execute(_DAYS, {"tenant_id": tenant_id, "since": since, "until": until})
        return [DayCost(tenant_id=tenant_id, **row) for row in rows.mappings()]

    return [day for own in await read_each(database, tenant_ids, read) for day in own]


async def tokens_this_month(database: Database, tenant_id: UUID) -> int:
    """Tokens that the tenant's enhancements have used in the current calendar month (UTC)."""
    async with database.as_tenant(tenant_id) as session:
        return int((await session.execute(_TOKENS_THIS_MONTH, {"tenant_id": tenant_id})).scalar_one())
