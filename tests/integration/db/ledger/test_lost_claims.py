"""What a crash of PostgreSQL does to claims, whose commits do not wait for the disk: a server of its own is killed.

It writes its log to the disk for those alone that wait for it, so each crash loses all that came after the last of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from app.core.delivery import Status
from app.core.enhancement import Enhancement
from app.core.outcome import Ending
from app.core.storm import StormTicket
from app.db.ledger.arrivals import StormNote, Storms, arrival_of
from app.db.ledger.attempts import AttemptRecord
from app.db.ledger.claims import Claim, Ledger
from app.db.ledger.enhancements import Enhancements, Reservation
from app.db.ledger.intake import open_intake
from app.db.migrate import migrate
from app.db.session import Database, open_database
from app.errors import LeaseLost
from demo.embedded import PostgresServer, open_postgres
from tests.builders import a_tenant, a_ticket, an_outcome
from tests.integration.db.conftest import LEASE, accept, next_claim
from tests.integration.nobody import run_as_nobody

WRITTEN = Enhancement(summary="Restart the spooler.")
WRITES_NOTHING_BY_ITSELF = {"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}
"""From its start on for ten seconds."""


class Crashing:
    """A worker's part of the database, and the server that can be killed."""

    def __init__(self, server: PostgresServer, database: Database) -> None:
        self.server = server
        self.database = database
        self.ledger = Ledger(database, lease=LEASE, max_attempts=3)
        self.enhancements = Enhancements(database)

    async def crash(self) -> None:
        await self.server.kill()
        await self.server.start()

    async def reserve(self, claim: Claim) -> Reservation:
        now = datetime.now(UTC)
        arrival = arrival_of(a_ticket(id="1"), a_tenant(id=claim.tenant_id), accepted_at=now)
        return await self.enhancements.reserve(claim, version="v", ticket_updated_at=now, arrival=arrival)


@pytest.fixture
async def crashing(tmp_path: Path) -> AsyncIterator[Crashing]:
    async with open_postgres(tmp_path, options=WRITES_NOTHING_BY_ITSELF) as server:
        await server.create_database("ledger")
        urls = await server.create_roles("ledger")
        await migrate(urls.owner, tell=lambda _: None)
        async with open_intake(urls.intake) as intake:
            await accept(intake, uuid4())
        await server.restart()
        async with open_database(urls.worker) as database:
            yield Crashing(server, database)


def a_record() -> AttemptRecord:
    return AttemptRecord(datetime.now(UTC), Ending.ENHANCED, None, None, ())


async def test_of_two_attempts_with_one_number_the_one_that_was_lost_can_neither_post_nor_settle(
    crashing: Crashing,
) -> None:
    lost = await next_claim(crashing.ledger)
    reservation = await crashing.reserve(lost)
    await crashing.enhancements.save(lost, reservation, WRITTEN)

    await crashing.crash()
    other = await next_claim(crashing.ledger)

    assert (other.job_id, other.attempt) == (lost.job_id, lost.attempt)
    again = await crashing.reserve(other)
    assert again.enhancement is None, "the crash lost what was saved"
    await crashing.enhancements.save(other, again, WRITTEN)
    storm = StormNote(None, None, 0, (StormTicket(id="1", number="1", url=""),), datetime.now(UTC), datetime.now(UTC))
    for change in (
        crashing.enhancements.begin_posting(lost, reservation, html=""),
        Storms(crashing.database).begin(lost, storm, "1", straggles=timedelta(0)),
        crashing.enhancements.save(lost, reservation, WRITTEN),
        crashing.enhancements.settle_posted(lost, reservation, note_id="1", record=a_record()),
        crashing.enhancements.settle_shadowed(lost, reservation, html="", record=a_record()),
        crashing.ledger.extend(lost),
        crashing.ledger.release(lost),
        *(crashing.ledger.conclude(lost, an_outcome(status)) for status in (Status.FAILED, Status.PENDING)),
    ):
        with pytest.raises(LeaseLost):
            await change
    await crashing.enhancements.begin_posting(other, again, html="")
    await crashing.enhancements.settle_posted(other, again, note_id="1", record=a_record())


async def test_an_attempt_that_may_have_posted_is_never_lost(crashing: Crashing) -> None:
    first = await next_claim(crashing.ledger)
    reservation = await crashing.reserve(first)
    await crashing.enhancements.save(first, reservation, WRITTEN)
    await crashing.enhancements.begin_posting(first, reservation, html="")
    await crashing.enhancements.settle_posted(first, reservation, note_id="1", record=a_record())

    await crashing.crash()

    assert await crashing.ledger.claim_next() is None, "its lease holds, though that it was settled is lost"
    await run_as_nobody(crashing.database, "update due set due_at = now()")
    second = await next_claim(crashing.ledger)
    assert second.attempt == first.attempt + 1
    assert await crashing.enhancements.find_unsettled(second) is not None
