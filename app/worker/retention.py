"""Deletes deliveries after the retention time, and adds up the counters of days that are over.

Runs in every worker, but only one does it at a time.

Invariant: it deletes small batches with pauses between them, so that neither deliveries nor vacuum wait for it.
"""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Final

import structlog

from app.core.tenant import Tenant
from app.db.ledger.retention import add_up_hours, forget_batch
from app.db.session import Database
from app.errors import DatabaseUnavailable
from app.tenants import TenantDirectory

EVERY: Final = timedelta(hours=1)
_PAUSE_S: Final = 0.05

log = structlog.get_logger(__name__)


async def run_retention(database: Database, tenants: TenantDirectory) -> None:
    """Run `forget_old` again and again, without end."""
    while True:
        await asyncio.sleep(EVERY.total_seconds() * random.uniform(0.1, 1.0))
        try:
            await forget_old(database, tenants)
        except DatabaseUnavailable as error:
            log.warning("retention_failed", cause=error.detail)
        except Exception:  # the next round may succeed
            log.exception("retention_crashed")


async def forget_old(database: Database, tenants: TenantDirectory) -> None:
    """One round over all tenants, until nothing old is left or another worker does it."""
    for known in tenants:
        try:
            if not await _forget_old_of(database, known.tenant):
                return
            await add_up_hours(database, known.tenant.id)
        except DatabaseUnavailable:
            raise
        except Exception:  # whatever a tenant's rows hold, the others' turn comes
            log.exception("old_not_forgotten", tenant=known.tenant.slug)


async def _forget_old_of(database: Database, tenant: Tenant) -> bool:
    """False: another worker does it."""
    deliveries = enhancements = 0
    while True:
        forgotten = await forget_batch(database, tenant.id)
        if forgotten is None:
            return False
        deliveries += forgotten.deliveries
        enhancements += forgotten.enhancements
        if not forgotten.may_be_more:
            break
        await asyncio.sleep(_PAUSE_S)
    if deliveries or enhancements:
        log.info("old_forgotten", tenant=tenant.slug, deliveries=deliveries, enhancements=enhancements)
    return True
