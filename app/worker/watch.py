"""What an operator must see of tenants' deliveries, as gauges. Runs in every worker.

Invariant: labels are slugs of known tenants. A tenant without anything to tell is 0, not absent, so that the first
dead delivery is a change that an alert can see.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final

import structlog

from app.db.deliveries import count_dead
from app.db.gates import EVERY_TENANT, Cause, Gates
from app.db.session import Database
from app.errors import LedgerUnavailable
from app.telemetry.metrics import DEAD, GATE_CLOSED
from app.tenants import TenantDirectory

EVERY_S: Final = 15.0

log = structlog.get_logger(__name__)


async def run_watch(database: Database, tenants: TenantDirectory) -> None:
    """Look after look, for ever."""
    while True:
        try:
            await look_once(database, tenants)
        except LedgerUnavailable as error:
            log.warning("watch_failed", cause=error.detail)
        except Exception:  # gauges that stand still must not stop anything else
            log.exception("watch_crashed")
        await asyncio.sleep(EVERY_S * random.uniform(0.8, 1.2))


async def look_once(database: Database, tenants: TenantDirectory) -> None:
    """Set the gauges to what the ledger says now."""
    slugs = {known.tenant.id: known.tenant.slug for known in tenants}
    dead = await count_dead(database)
    closed = {(gate.tenant_id, gate.cause) for gate in await Gates(database).closed(slugs)}
    for gauge in (DEAD, GATE_CLOSED):
        gauge.clear()  # of tenants whose file is gone
    for tenant_id, slug in slugs.items():
        DEAD.labels(slug).set(dead.get(tenant_id, 0))
        for cause in Cause:
            GATE_CLOSED.labels(slug, cause).set((tenant_id, cause) in closed)
    GATE_CLOSED.labels("", Cause.PAUSED).set((EVERY_TENANT, Cause.PAUSED) in closed)
