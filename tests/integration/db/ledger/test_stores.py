"""What an attempt stores in one statement: done twice it changes nothing more, and it shows no other tenant's rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.core.enhancement import Enhancement
from app.core.outcome import Ending
from app.db.ledger.arrivals import ArrivalSearch, arrival_of
from app.db.ledger.attempts import AttemptRecord
from app.db.ledger.claims import Claim, Ledger
from app.db.ledger.enhancements import Enhancements, Reservation
from app.db.ledger.intake import Intake
from app.db.session import Database
from app.errors import LeaseLost
from demo.embedded import DatabaseUrls
from tests.builders import a_tenant, a_ticket
from tests.integration.db.conftest import accept, next_claim
from tests.integration.superuser import run_as_superuser

WRITTEN = Enhancement(
    summary="Restart it.", model="m", asked="m", prompt_tokens=100, completion_tokens=10, cost_usd=0.5
)


async def reserve(database: Database, claim: Claim) -> Reservation:
    now = datetime.now(UTC)
    arrival = arrival_of(a_ticket(id=claim.ticket_id), a_tenant(id=claim.tenant_id), accepted_at=now)
    return await Enhancements(database).reserve(claim, version="v", ticket_updated_at=now, arrival=arrival)


async def test_each_may_be_done_twice_as_after_a_broken_connection(
    urls: DatabaseUrls, worker_db: Database, ledger: Ledger, intake: Intake
) -> None:
    enhancements = Enhancements(worker_db)
    await accept(intake, uuid4())
    claim = await next_claim(ledger)
    record = AttemptRecord(datetime.now(UTC), Ending.ENHANCED, None, None, ())
    for _ in range(2):
        reservation = await reserve(worker_db, claim)
    for _ in range(2):
        await enhancements.save(claim, reservation, WRITTEN)
    for _ in range(2):
        await enhancements.begin_posting(claim, reservation, html="<p>")
    for _ in range(2):
        await enhancements.settle_posted(claim, reservation, note_id="7", record=record)
    [row] = await run_as_superuser(
        urls,
        "select prompt_tokens, completion_tokens, cost_usd::float8, note_id,"
        " (select sum(notes) from tally t where t.tenant_id = e.tenant_id)::int,"
        " (select count(*) from attempt a where a.job_id = e.job_id)::int from enhancement e where job_id = $1",
        claim.job_id,
    )
    assert tuple(row) == (100, 10, 0.5, "7", 1, 1)
    with pytest.raises(LeaseLost):
        await enhancements.settle_posted(replace(claim, fence=uuid4()), reservation, note_id="8", record=record)


async def test_another_tenants_delivery_is_not_changed(worker_db: Database, ledger: Ledger, intake: Intake) -> None:
    enhancements = Enhancements(worker_db)
    await accept(intake, uuid4())
    claim = await next_claim(ledger)
    reservation = await reserve(worker_db, claim)
    theirs = replace(claim, tenant_id=uuid4())
    record = AttemptRecord(datetime.now(UTC), Ending.ENHANCED, None, None, ())
    for change in (
        enhancements.save(theirs, reservation, WRITTEN),
        enhancements.begin_posting(theirs, reservation, html="<p>"),
        enhancements.settle_posted(theirs, reservation, note_id="8", record=record),
    ):
        with pytest.raises(LeaseLost):
            await change
    await enhancements.begin_posting(claim, reservation, html="<p>")


async def test_what_was_paid_for_is_kept_where_the_look_for_others_fails(
    urls: DatabaseUrls, worker_db: Database, ledger: Ledger, intake: Intake
) -> None:
    tenant = a_tenant(id=uuid4())
    for ticket_id in ("1", "2"):
        await accept(intake, tenant.id, ticket_id=ticket_id)
        claim = await next_claim(ledger)
        reservation = await reserve(worker_db, claim)
    look = ArrivalSearch(worker_db, tenant, ticket_url=str)
    found = await Enhancements(worker_db).save(claim, reservation, WRITTEN, look=look)
    assert found is not None
    assert [each.ticket_id for each in found.earlier] == ["1"]

    too_much = "update arrival set terms = '{1}', weights = '{3e38}' where tenant_id = $1"
    await run_as_superuser(urls, too_much, tenant.id)
    assert await Enhancements(worker_db).save(claim, reservation, Enhancement(summary="Anew."), look=look) is None
    again = await reserve(worker_db, claim)
    assert again.enhancement is not None
    assert again.enhancement.summary == "Anew."
