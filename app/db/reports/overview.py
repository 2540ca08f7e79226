"""The figures of the console's page Now.

Invariant: each figure reads at most one hour's rows of a tenant, or its hourly counters.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from app.core.budget import Usage
from app.db.each import ask_each, load_each
from app.db.reports.costs import Usages
from app.db.reports.load import FailedDeliveries, TenantLoad, failed_by_tenant, load_by_tenant
from app.db.reports.models import newest_notes
from app.db.session import Database, Row
from app.db.sql import Statement

MINUTES: Final = 60
HOURS: Final = 24

_FIGURES: Final = load_each(__package__, "figures")
_NOW: Final = Statement("select now()", ())


class HourCount(NamedTuple):
    """Settled deliveries of one hour, by result. `age` in hours; 0 is the current hour."""

    age: int
    notes: int = 0
    context_only: int = 0
    failed: int = 0
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class TenantFigures:
    tenant_id: UUID
    load: TenantLoad = field(default_factory=TenantLoad)
    failures: FailedDeliveries = field(default_factory=FailedDeliveries)
    accepted: dict[int, int] = field(default_factory=dict)
    """Accepted deliveries in the last 60 minutes: minutes ago → number."""
    durations: tuple[int, ...] = ()
    """Milliseconds from webhook to note, of the last hour."""
    hours: tuple[HourCount, ...] = ()
    last_webhook: datetime | None = None
    last_failure: str | None = None
    """The code of the newest failed delivery."""
    last_sync: datetime | None = None
    usage: Usage = field(default_factory=Usage)
    is_unpriced: bool = False
    """Whether a model wrote one of the newest notes whose price is not known."""
    is_partial: bool = False
    """Whether its counters can't be read: all but load and failures are zero."""

    @property
    def by_minute(self) -> list[int]:
        """Accepted in each of the last 60 minutes, oldest first."""
        return [self.accepted.get(minute, 0) for minute in reversed(range(MINUTES))]

    @property
    def notes(self) -> int:
        return sum(hour.notes for hour in self.hours)

    @property
    def failed(self) -> int:
        return sum(hour.failed for hour in self.hours)

    @property
    def context_only(self) -> int:
        return sum(hour.context_only for hour in self.hours)


async def load_figures(
    database: Database, tenant_ids: Sequence[UUID], usages: Usages
) -> tuple[datetime, list[TenantFigures]]:
    """The database's time, and each tenant's figures in the order of *tenant_ids*."""
    loads, failures = await load_by_tenant(database), await failed_by_tenant(database)
    used = await usages.load_each(database, tenant_ids)
    async with database.transaction(None) as tx:
        now: datetime = await tx.value(_NOW)

    def known(tenant_id: UUID) -> TenantFigures:
        return TenantFigures(
            tenant_id,
            loads.get(tenant_id, TenantLoad()),
            failures.get(tenant_id, FailedDeliveries()),
            usage=used.get(tenant_id, Usage()),
        )

    def read(row: Row) -> TenantFigures:
        return _figures(row, known(row["tenant_id"]))

    values = {"minutes": MINUTES, "hours": HOURS, "notes": newest_notes(len(tenant_ids))}
    found = await ask_each(database, tenant_ids, _FIGURES, read, **values)
    read_ones = {each.tenant_id: each for each in found}
    # A tenant whose counters can't be read still has its load.
    return now, [read_ones.get(each) or replace(known(each), is_partial=True) for each in tenant_ids]


def _figures(row: Row, known: TenantFigures) -> TenantFigures:
    hours = json.loads(row["hours"]) if row["hours"] else ()
    return replace(
        known,
        accepted={int(minute): number for minute, number in json.loads(row["accepted"]).items()},
        durations=tuple(row["durations"] or ()),
        hours=tuple(HourCount(**hour) for hour in hours),
        last_webhook=row["last_webhook"],
        last_failure=row["last_failure"],
        last_sync=row["last_sync"],
        is_unpriced=row["is_unpriced"],
    )
