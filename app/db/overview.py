"""What the console tells at a glance. Content is read one tenant at a time; across tenants only ids and times.

Invariant: no figure costs more than an hour's rows of a tenant, or its hourly counters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.db.load import FailedDeliveries, TenantLoad, failed_by_tenant, load_by_tenant
from app.db.session import Database, choose_tenant

MINUTES: Final = 60
HOURS: Final = 24

# An hour's rows through their indexes, and the hourly counters: in one round trip.
_FIGURES: Final = text(f"""
select now() as now,
    (select coalesce(jsonb_object_agg(minute, number), '{{}}') from (
        select floor(extract(epoch from now() - accepted_at) / 60)::int as minute, count(*) as number from delivery
        where tenant_id = :tenant_id and accepted_at > now() - interval '{MINUTES} minutes' group by 1
    ) accepted) as accepted,
    (select array_agg(duration_ms) from (
        select duration_ms from enhancement
        where tenant_id = :tenant_id and reserved_at > now() - interval '1 hour' and duration_ms is not null
        order by reserved_at desc limit 5000
    ) lately) as durations,
    (select max(accepted_at) from delivery where tenant_id = :tenant_id) as last_webhook,
    (select code from delivery where tenant_id = :tenant_id and status = 'failed' order by accepted_at desc limit 1)
        as last_failure,
    (select max(coalesce(seen_up_to, listed_at)) from sync_cursor where tenant_id = :tenant_id) as last_sync,
    (select jsonb_agg(h) from (
        select (extract(epoch from date_trunc('hour', now()) - hour) / 3600)::int as age, sum(notes)::int as notes,
            sum(context_only)::int as context_only, sum(failed)::int as failed, sum(ignored)::int as ignored
        from tally where tenant_id = :tenant_id and hour > date_trunc('hour', now()) - interval '{HOURS} hours'
        group by hour
    ) h) as hours,
    (select coalesce(sum(cost_usd), 0) from tally where tenant_id = :tenant_id
        and hour >= date_trunc('day', now() at time zone 'utc') at time zone 'utc') as cost_today,
    (select coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint from tally where tenant_id = :tenant_id
        and hour >= date_trunc('month', now() at time zone 'utc') at time zone 'utc') as tokens_this_month
""")


@dataclass(frozen=True, slots=True)
class HourCount:
    """What became of deliveries in one hour; `age` 0 is the one that runs."""

    age: int
    notes: int = 0
    context_only: int = 0
    failed: int = 0
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class TenantFigures:
    """One tenant now."""

    tenant_id: UUID
    load: TenantLoad = field(default_factory=TenantLoad)
    failures: FailedDeliveries = field(default_factory=FailedDeliveries)
    accepted: dict[int, int] = field(default_factory=dict)
    """In each of the last 60 minutes, by how many minutes ago."""
    durations: tuple[int, ...] = ()
    """Milliseconds from webhook to note, of the last hour."""
    hours: tuple[HourCount, ...] = ()
    last_webhook: datetime | None = None
    last_failure: str | None = None
    """The code of the newest failed delivery."""
    """Why the newest delivery that failed did."""
    last_sync: datetime | None = None
    cost_today: Decimal = Decimal(0)
    tokens_this_month: int = 0

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


async def load_figures(database: Database, tenant_ids: Sequence[UUID]) -> tuple[datetime, list[TenantFigures]]:
    """The database's time, and each tenant's figures in the order of *tenant_ids*."""
    load, failures = await load_by_tenant(database), await failed_by_tenant(database)
    async with database.across_tenants() as session:
        now: datetime = (await session.execute(text("select now()"))).scalar_one()
        figures = []
        for tenant_id in tenant_ids:
            await choose_tenant(session, tenant_id)
            row = (await session.execute(_FIGURES, {"tenant_id": tenant_id})).one()
            figures.append(
                _figures(tenant_id, row, load.get(tenant_id, TenantLoad()), failures.get(tenant_id, FailedDeliveries()))
            )
    return now, figures


def _figures(tenant_id: UUID, row: Any, load: TenantLoad, failures: FailedDeliveries) -> TenantFigures:
    return TenantFigures(
        tenant_id=tenant_id,
        load=load,
        failures=failures,
        accepted={int(minute): number for minute, number in row.accepted.items()},
        durations=tuple(row.durations or ()),
        hours=tuple(HourCount(**hour) for hour in row.hours or ()),
        last_webhook=row.last_webhook,
        last_failure=row.last_failure,
        last_sync=row.last_sync,
        cost_today=row.cost_today,
        tokens_this_month=row.tokens_this_month,
    )
