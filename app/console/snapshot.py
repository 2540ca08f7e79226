"""What the console knows of the whole system at one moment, and its sums. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.console.shared import SharedDesk
from app.console.smoke import SmokeTest
from app.core.tenant import EVERY_TENANT, Tenant
from app.db.limits.holds import Hold
from app.db.reports.overview import HOURS, MINUTES, HourCount, TenantFigures


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the console's pages say of now comes from one of these."""

    now: datetime
    tenants: Sequence[Tenant]
    figures: Sequence[TenantFigures]
    holds: Sequence[Hold]
    is_redis_reachable: bool
    workers: int | None
    """Workers that read the stream. None: not known, since Redis is down."""
    file_problems: Sequence[tuple[str, str]] = ()
    shared: Mapping[UUID, SharedDesk] = field(default_factory=dict)
    """Each shared help desk, by the instance's id."""
    smoke_test: SmokeTest | None = None
    """The last one. None: there was none, or its results are not seen here."""
    is_other_in_work: bool = False
    """Whether a delivery of a tenant that is left out here is in work."""
    _of: dict[UUID, TenantFigures] = field(init=False, repr=False, default_factory=dict)
    _holds_of: dict[UUID, list[Hold]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._of.update((each.tenant_id, each) for each in self.figures)
        for hold in self.holds:
            self._holds_of.setdefault(hold.tenant_id, []).append(hold)

    def of(self, tenant_id: UUID) -> TenantFigures:
        """Empty ones of a tenant whose file came since."""
        return self._of.get(tenant_id) or TenantFigures(tenant_id)

    def holds_of(self, tenant_id: UUID) -> list[Hold]:
        return self._holds_of.get(tenant_id, [])

    def holds_on(self, tenant_id: UUID) -> list[Hold]:
        """Its own and those of every tenant, one of each cause."""
        holds = [*self.holds_of(EVERY_TENANT), *self.holds_of(tenant_id)]
        return list({hold.cause: hold for hold in holds}.values())

    @property
    def accepted(self) -> list[int]:
        """Accepted deliveries in each of the last 60 minutes, oldest first."""
        return [sum(minute) for minute in zip([0] * MINUTES, *(each.by_minute for each in self.figures), strict=True)]

    @property
    def hours(self) -> list[HourCount]:
        """The last 24 hours, oldest first."""
        by_age: dict[int, list[HourCount]] = {}
        for each in self.figures:
            for hour in each.hours:
                by_age.setdefault(hour.age, []).append(hour)
        return [_sum(age, by_age.get(age, [])) for age in reversed(range(HOURS))]

    @property
    def waiting(self) -> int:
        return sum(each.load.waiting for each in self.figures)

    @property
    def working(self) -> int:
        return sum(each.load.working for each in self.figures)

    @property
    def oldest(self) -> datetime | None:
        return min((each.load.oldest for each in self.figures if each.load.oldest), default=None)

    @property
    def failures(self) -> int:
        return sum(each.failures.number for each in self.figures)

    @property
    def p95_s(self) -> float | None:
        return p95(duration for each in self.figures for duration in each.durations)

    @property
    def cost_today(self) -> Decimal:
        """Of the endpoint that tenants share; what clients pay by keys of their own is not in it."""
        own = {tenant.id for tenant in self.tenants if tenant.model.has_own_key}
        return sum((each.usage.usd_today for each in self.figures if each.tenant_id not in own), Decimal(0))


def _sum(age: int, hours: Sequence[HourCount]) -> HourCount:
    return HourCount(
        age,
        notes=sum(hour.notes for hour in hours),
        context_only=sum(hour.context_only for hour in hours),
        failed=sum(hour.failed for hour in hours),
        ignored=sum(hour.ignored for hour in hours),
    )


def p95(durations_ms: Iterable[int]) -> float | None:
    """The 95th percentile in seconds; None when there is no value."""
    ordered = sorted(durations_ms)
    return ordered[min(len(ordered) * 95 // 100, len(ordered) - 1)] / 1000 if ordered else None
