"""Deletes deliveries after the retention time. Runs in every worker, but only one does it at a time.

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
    """One round over all tenants, in any order, until nothing old is left or another worker does it.

    One whose rows can't be deleted, or take PostgreSQL too long, keeps no other's.

    Raises:
        DatabaseUnavailable: For two tenants in a row.
    """
    every = list(tenants)
    was_out = False
    for known in random.sample(every, len(every)):
        try:
            if not await _forget_old_of(known.tenant, database):
                return
            await add_up_hours(database, known.tenant.id)
        except DatabaseUnavailable as error:
            if was_out:
                raise
            was_out = True
            log.warning("retention_failed", tenant=known.tenant.slug, cause=error.detail)
        except Exception:
            log.exception("retention_crashed", tenant=known.tenant.slug)
        else:
            was_out = False


async def _forget_old_of(tenant: Tenant, database: Database) -> bool:
    """Delete what is old of *tenant*. False: another worker does it."""
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
