"""Sets the gauges about each tenant's deliveries. Runs in every worker.

Invariant: labels are slugs of known tenants. A tenant without failed deliveries has the value 0 and is not left out, so
that an alert sees the first failure as a change.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog

from app.core.budget import budgets
from app.core.help_desk import AccountRef
from app.core.tenant import EVERY_TENANT, Tenant
from app.db.knowledge.cursors import load_cursors
from app.db.knowledge.strays import KINDS, list_strays
from app.db.limits.accounts import keep_accounts
from app.db.limits.circuits import Dependency
from app.db.limits.holds import Cause, list_holds
from app.db.reports.costs import Usages
from app.db.reports.load import FailedDeliveries, TenantLoad, failed_by_tenant, load_by_tenant
from app.db.session import Database
from app.errors import DatabaseUnavailable
from app.telemetry.metrics import (
    CIRCUIT_OPEN,
    ENHANCEMENT_SECONDS,
    ENHANCEMENTS,
    FAILED_NOW,
    LAST_SYNC,
    LLM_BUDGET_USED,
    LLM_UNPRICED,
    SETTLED,
    STRAY_ROWS,
    TENANT_OLDEST_SECONDS,
    TENANT_PAUSED,
    TENANT_RATE_LIMITED,
    TENANT_WAITING,
    WEBHOOKS_MISSED,
)
from app.tenants import TenantDirectory

EVERY_S: Final = 15.0
# Budgets and syncs change slowly.
USAGE_EVERY_S: Final = 60.0

Unpriced = Callable[[Tenant], Sequence[str]]

log = structlog.get_logger(__name__)


async def run_watch(database: Database, tenants: TenantDirectory, *, unpriced: Unpriced) -> None:
    """Update the gauges again and again, without end. *unpriced*: a tenant's models whose price is not known."""
    usage_seen_at, usages = -USAGE_EVERY_S, Usages()
    while True:
        try:
            await look_once(database, tenants)
            if time.monotonic() - usage_seen_at >= USAGE_EVERY_S:
                usage_seen_at = time.monotonic()
                await look_at_usage(database, tenants, unpriced=unpriced, usages=usages)
                await look_at_strays(database, tenants)
        except DatabaseUnavailable as error:
            log.warning("watch_failed", cause=error.detail)
        except Exception:  # an error here must not stop the worker
            log.exception("watch_crashed")
        await asyncio.sleep(EVERY_S * random.uniform(0.8, 1.2))


async def look_once(database: Database, tenants: TenantDirectory) -> None:
    """Set the gauges to what the ledger says now, and tell the database which tenants are accounts of an instance."""
    await keep_accounts(database, tenants.instance_of)
    slugs = {known.tenant.id: known.tenant.slug for known in tenants}
    failed = await failed_by_tenant(database)
    load = await load_by_tenant(database)
    holds = {(hold.tenant_id, hold.cause.value) for hold in await list_holds(database, slugs)}
    now = datetime.now(UTC)
    for gauge in (FAILED_NOW, CIRCUIT_OPEN, TENANT_PAUSED, TENANT_RATE_LIMITED, TENANT_WAITING, TENANT_OLDEST_SECONDS):
        gauge.clear()  # removes tenants whose file is gone
    for tenant_id, slug in slugs.items():
        own = load.get(tenant_id, TenantLoad())
        TENANT_WAITING.labels(slug).set(own.waiting)
        TENANT_OLDEST_SECONDS.labels(slug).set(max((now - own.oldest).total_seconds(), 0) if own.oldest else 0)
        FAILED_NOW.labels(slug).set(failed.get(tenant_id, FailedDeliveries()).number)
        for dependency in Dependency:
            CIRCUIT_OPEN.labels(slug, dependency).set((tenant_id, dependency.value) in holds)
        TENANT_PAUSED.labels(slug).set((tenant_id, Cause.PAUSED.value) in holds)
        TENANT_RATE_LIMITED.labels(slug).set((tenant_id, Cause.RATE_LIMITED.value) in holds)
        # Creates the series with 0: if it began with its first event, `rate` would not see that event.
        ENHANCEMENT_SECONDS.labels(slug)
        WEBHOOKS_MISSED.labels(slug)
        for outcome in SETTLED:
            ENHANCEMENTS.labels(slug, outcome)
    TENANT_PAUSED.labels("").set((EVERY_TENANT, Cause.PAUSED.value) in holds)


async def look_at_strays(database: Database, tenants: TenantDirectory) -> None:
    """Set the gauges of rows that no tenant owns, one shared help desk after another."""
    rows: dict[tuple[str, str], int] = {}
    for known in tenants:
        if not known.tenant.is_instance:
            continue
        rows |= {(known.tenant.slug, kind): 0 for kind in KINDS}
        for stray, count in (await list_strays(database, known.tenant.id)).items():
            if tenants.find_account(known.tenant.id, AccountRef.of_label(stray.account)) is None:
                rows[known.tenant.slug, stray.kind] += count
    STRAY_ROWS.clear()
    for (instance, kind), count in rows.items():
        STRAY_ROWS.labels(instance, kind).set(count)


async def look_at_usage(
    database: Database, tenants: TenantDirectory, *, unpriced: Unpriced, usages: Usages | None = None
) -> None:
    """Set the gauges of prices, budgets and syncs."""
    known = [each.tenant for each in tenants]
    without_price = {tenant.id: [] if tenant.is_instance else unpriced(tenant) for tenant in known}
    limited = [tenant for tenant in known if tenant.model.has_budget]
    used = await (usages or Usages()).load_each(database, [tenant.id for tenant in limited])
    synced_at = await _synced_at(database, [tenant.id for tenant in known if not tenant.is_suspended])
    for gauge in (LLM_BUDGET_USED, LLM_UNPRICED, LAST_SYNC):
        gauge.clear()
    for tenant in limited:
        if tenant.id in used:
            for budget in budgets(tenant.model, used[tenant.id], is_priced=not without_price[tenant.id]):
                LLM_BUDGET_USED.labels(tenant.slug, budget.kind).set(budget.share)
    for tenant in known:
        for model in without_price[tenant.id]:
            LLM_UNPRICED.labels(tenant.slug, model).set(1)
        if tenant.id in synced_at:
            LAST_SYNC.labels(tenant.slug).set(synced_at[tenant.id].timestamp())


async def _synced_at(database: Database, tenant_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When the last sync began that read all tickets of each; before there is one, when its first sync began."""
    listed = await load_cursors(database, tenant_ids, "tickets")
    found = {each: cursor.listed_at for each, cursor in listed.items() if cursor.listed_at is not None}
    unread = [each for each in tenant_ids if each not in found]
    begun = await load_cursors(database, unread, "reconciliation") if unread else {}
    return found | {each: cursor.seen_up_to for each, cursor in begun.items() if cursor.seen_up_to is not None}
