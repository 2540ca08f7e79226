"""Which changes of a delivery's status there are: what the database saw is what the table `NEXT` says."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from app.core.delivery import NEXT, Status
from app.core.enhancement import Enhancement
from app.core.outcome import Ending
from app.db.ledger.arrivals import arrival_of
from app.db.ledger.attempts import AttemptRecord
from app.db.ledger.claims import Ledger
from app.db.ledger.enhancements import Enhancements
from app.db.ledger.intake import Intake
from app.db.reports.deliveries import dismiss_deliveries, replay_deliveries
from app.db.session import Database
from demo.embedded import DatabaseUrls
from tests.builders import a_tenant, a_ticket, an_outcome
from tests.integration.db.conftest import accept, next_claim
from tests.integration.nobody import run_as_nobody
from tests.integration.superuser import run_as_superuser

WATCH = (
    "create table seen (before text, after text)",
    """
    create function note_status() returns trigger language plpgsql security definer set search_path = public as
    $$begin insert into seen values (old.status, new.status); return null; end$$
    """,
    "create trigger note_status after update of status on delivery for each row execute function note_status()",
)


async def test_a_status_changes_by_the_steps_of_the_table_and_by_each_of_them(
    urls: DatabaseUrls, ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    for statement in WATCH:
        await run_as_superuser(urls, statement)
    for is_posted in (True, False):
        await settle_written(ledger, intake, worker_db, is_posted=is_posted)
    for outcome in (Status.IGNORED, Status.FAILED, Status.PENDING):
        await accept(intake, uuid4())
        await ledger.conclude(await next_claim(ledger), an_outcome(outcome))
        await run_as_nobody(worker_db, "delete from due")
    await lose_all_workers(ledger, intake, worker_db)
    await replay_and_dismiss(ledger, intake, worker_db)
    await poison(urls, ledger, await accept(intake, uuid4()))

    seen = {(row["before"], row["after"]) for row in await run_as_superuser(urls, "select * from seen")}
    assert seen == {(before, after) for before, steps in NEXT.items() for after in steps}


async def settle_written(ledger: Ledger, intake: Intake, database: Database, *, is_posted: bool) -> None:
    enhancements, now = Enhancements(database), datetime.now(UTC)
    await accept(intake, uuid4())
    claim = await next_claim(ledger)
    arrival = arrival_of(a_ticket(id="1"), a_tenant(id=claim.tenant_id), accepted_at=now)
    reservation = await enhancements.reserve(claim, version="v", ticket_updated_at=now, arrival=arrival)
    await enhancements.save(claim, reservation, Enhancement(summary="Restart the spooler."))
    record = AttemptRecord(now, Ending.ENHANCED, None, None, ())
    if is_posted:
        await enhancements.begin_posting(claim, reservation, html="<p>")
        await enhancements.settle_posted(claim, reservation, note_id="7", record=record)
    else:
        await enhancements.settle_shadowed(claim, reservation, html="<p>", record=record)


async def lose_all_workers(ledger: Ledger, intake: Intake, database: Database) -> None:
    """Each time the lease runs out, until the attempts are used up."""
    await accept(intake, uuid4())
    while await ledger.claim_next() is not None:
        await run_as_nobody(database, "update due set due_at = now()")


async def replay_and_dismiss(ledger: Ledger, intake: Intake, database: Database) -> None:
    tenant_id = uuid4()
    job_id = await accept(intake, tenant_id)
    await ledger.conclude(await next_claim(ledger), an_outcome(Status.FAILED))
    assert await replay_deliveries(database, tenant_id, limit=1) == [job_id]
    await ledger.conclude(await next_claim(ledger), an_outcome(Status.FAILED))
    assert await dismiss_deliveries(database, tenant_id, because="closed by hand", limit=1) == [job_id]


async def poison(urls: DatabaseUrls, ledger: Ledger, job_id: UUID) -> None:
    """A value that no claim can read."""
    await run_as_superuser(urls, "update delivery set attempt = 2147483647 where job_id = $1", job_id)
    assert await ledger.claim_next() is None
