"""The ledger in the module's database, and deliveries in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from app.core.tenant import EVERY_TENANT
from app.db.ledger.claims import Claim, Ledger
from app.db.ledger.intake import AcceptedDelivery, Intake
from app.db.limits.pauses import resume
from app.db.session import Database
from tests.integration.nobody import run_as_nobody

LEASE = timedelta(seconds=30)


@pytest.fixture
async def ledger(worker_db: Database) -> AsyncIterator[Ledger]:
    yield Ledger(worker_db, lease=LEASE, max_attempts=3)
    await run_as_nobody(worker_db, "delete from due")
    await resume(worker_db, EVERY_TENANT)


async def accept(intake: Intake, tenant_id: UUID, *, ticket_id: str = "1") -> UUID:
    job_id = uuid4()
    await intake.accept(AcceptedDelivery(tenant_id, job_id, ticket_id, "ticket_created", b"{}", None))
    return job_id


async def next_claim(ledger: Ledger) -> Claim:
    """The claim of a delivery, of which there is one."""
    claim = await ledger.claim_next()
    assert claim is not None
    return claim
