"""Claims, leases and turns, on the real database."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from asyncpg import UndefinedColumnError

from app.core.delivery import Status
from app.db.ledger.claims import GivenUp, Ledger
from app.db.ledger.intake import AcceptedDelivery, Intake
from app.db.reports.deliveries import DeliveryView, list_deliveries
from app.db.session import Database
from app.db.sql import numbered
from app.errors import Code, DatabaseUnavailable, LeaseLost
from demo.embedded import DatabaseUrls
from tests.builders import an_outcome
from tests.integration.db.conftest import LEASE, accept, next_claim
from tests.integration.nobody import run_as_nobody
from tests.integration.superuser import run_as_superuser


async def let_leases_end(database: Database) -> None:
    await run_as_nobody(database, "update due set due_at = now()")


async def claim_all(ledger: Ledger) -> set[UUID]:
    """The job ids of all that could be claimed."""
    claimed = set()
    while (claim := await ledger.claim_next()) is not None:
        claimed.add(claim.job_id)
    return claimed


async def delivery(database: Database, tenant_id: UUID, job_id: UUID) -> DeliveryView:
    [found] = [each for each in await list_deliveries(database, tenant_id) if each.job_id == job_id]
    return found


async def status(database: Database, tenant_id: UUID, job_id: UUID) -> str:
    return (await delivery(database, tenant_id, job_id)).status


async def test_many_claimants_get_each_delivery_once(ledger: Ledger, worker_db: Database, intake: Intake) -> None:
    tenant_id = uuid4()
    ledger = Ledger(worker_db, lease=LEASE, max_attempts=3, slots=lambda: {tenant_id: 20})
    jobs = {await accept(intake, tenant_id) for _ in range(20)}
    claims = await asyncio.gather(*(ledger.claim_next() for _ in range(30)))
    claimed = [claim.job_id for claim in claims if claim is not None]
    assert len(claimed) == len(set(claimed))
    # Some may have found a row in another's hands; what is left is there for the next.
    while (claim := await ledger.claim_next()) is not None:
        claimed.append(claim.job_id)
    assert set(claimed) == jobs
    assert len(claimed) == len(jobs)


async def test_a_lease_that_ran_out_is_claimed_again_and_its_holder_is_fenced_off(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id = uuid4()
    job_id = await accept(intake, tenant_id)
    before = time.monotonic()
    first = await next_claim(ledger)
    assert before <= first.asked_at < time.monotonic()
    assert await ledger.claim_next() is None
    await let_leases_end(worker_db)
    second = await next_claim(ledger)
    assert (second.job_id, second.attempt) == (job_id, 2)
    for change in (
        ledger.extend(first),
        ledger.conclude(first, an_outcome(Status.FAILED)),
        ledger.conclude(first, an_outcome(Status.IGNORED)),
        ledger.conclude(first, an_outcome(Status.PENDING)),
        ledger.release(first),
    ):
        with pytest.raises(LeaseLost):
            await change
    await ledger.extend(second)
    assert await status(worker_db, tenant_id, job_id) == "processing"


async def test_a_delivery_whose_worker_dies_each_time_is_failed_in_the_end(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id = uuid4()
    job_id = await accept(intake, tenant_id)
    for attempt in (1, 2, 3):
        assert (await next_claim(ledger)).attempts_used == attempt
        await let_leases_end(worker_db)
    assert await ledger.claim_next() is None
    failed = await delivery(worker_db, tenant_id, job_id)
    assert failed.status == "failed"
    assert "ended each time without finishing" in (failed.last_error or "")


async def test_an_event_that_the_code_does_not_know_is_refused_by_the_database(intake: Intake) -> None:
    with pytest.raises(DatabaseUnavailable, match="23514"):
        await intake.accept(AcceptedDelivery(uuid4(), uuid4(), "1", "b", b"{}", None))


@pytest.mark.parametrize(
    "poison",
    [
        "attempt = 2147483647",
        "attempts_forgiven = -2147483648, attempt = 1",
        "accepted_at = '20000-01-01'",
        "accepted_at = '4000-01-01 BC'",
    ],
)
async def test_a_row_that_cannot_be_read_costs_its_own_delivery_alone(
    urls: DatabaseUrls, worker_db: Database, ledger: Ledger, intake: Intake, poison: str
) -> None:
    told: list[GivenUp] = []
    watched = Ledger(worker_db, lease=LEASE, max_attempts=3, tell_given_up=told.append)
    tenant_id = uuid4()
    poisoned = await accept(intake, tenant_id)
    await run_as_superuser(urls, f"update delivery set {poison} where job_id = $1", poisoned)
    fine = {await accept(intake, tenant_id), await accept(intake, uuid4())}
    assert await claim_all(watched) == fine
    assert [(each.tenant_id, each.job_id) for each in told] == [(tenant_id, poisoned)]
    assert told[0].code is Code.DELIVERY_UNREADABLE
    [row] = await run_as_superuser(urls, "select status, code, last_error from delivery where job_id = $1", poisoned)
    assert tuple(row) == ("failed", "delivery_unreadable", told[0].detail)
    assert await run_as_superuser(urls, "select from dead where job_id = $1", poisoned)
    assert await ledger.claim_next() is None


async def test_an_event_of_a_newer_release_is_read_by_an_older_worker(
    urls: DatabaseUrls, ledger: Ledger, intake: Intake
) -> None:
    """As after a rollback: the newer release's migration stays, and with it the check that allows its event."""
    newer, fine = await accept(intake, uuid4()), await accept(intake, uuid4())
    await run_as_superuser(urls, "alter table delivery drop constraint delivery_event_check")
    try:
        await run_as_superuser(urls, "update delivery set event = 'ticket_merged' where job_id = $1", newer)
        assert await claim_all(ledger) == {newer, fine}
    finally:
        await run_as_superuser(
            urls, "alter table delivery add constraint delivery_event_check check (event like 'ticket%') not valid"
        )


async def test_a_row_that_cannot_be_changed_is_put_off_and_claimed_once_it_can(
    urls: DatabaseUrls, ledger: Ledger, worker_db: Database, intake: Intake
) -> None:
    tenant_id = uuid4()
    poisoned, fine = await accept(intake, tenant_id), await accept(intake, tenant_id)
    # A constraint that the row breaks already: no update of it passes.
    await run_as_superuser(urls, f"alter table delivery add constraint poison check (job_id <> '{poisoned}') not valid")
    try:
        assert await claim_all(ledger) == {fine}
        [row] = await run_as_superuser(urls, "select due_at - now() as wait from due where job_id = $1", poisoned)
        assert timedelta(0) < row["wait"] <= timedelta(seconds=30)
    finally:
        await run_as_superuser(urls, "alter table delivery drop constraint poison")
    await let_leases_end(worker_db)
    assert poisoned in await claim_all(ledger)


async def test_a_row_that_can_neither_be_read_nor_settled_is_put_off(
    urls: DatabaseUrls, ledger: Ledger, intake: Intake
) -> None:
    tenant_id = uuid4()
    poisoned, fine = await accept(intake, tenant_id), await accept(intake, tenant_id)
    await run_as_superuser(urls, "update delivery set attempt = 2147483647 where job_id = $1", poisoned)
    await run_as_superuser(urls, f"alter table delivery add constraint poison check (job_id <> '{poisoned}') not valid")
    try:
        assert await claim_all(ledger) == {fine}
        [row] = await run_as_superuser(urls, "select due_at > now() as waits from due where job_id = $1", poisoned)
        assert row["waits"]
    finally:
        await run_as_superuser(urls, "alter table delivery drop constraint poison")


@pytest.mark.parametrize("moment", ["-infinity", "infinity", "4000-01-01 BC"])
async def test_the_backlog_is_told_whatever_a_row_holds(
    urls: DatabaseUrls, ledger: Ledger, intake: Intake, moment: str
) -> None:
    await run_as_superuser(
        urls, f"update due set accepted_at = '{moment}' where job_id = $1", await accept(intake, uuid4())
    )
    assert (await ledger.backlog()).waiting >= 1


async def test_a_schema_that_does_not_fit_fails_no_delivery(
    urls: DatabaseUrls, ledger: Ledger, worker_db: Database, intake: Intake
) -> None:
    """As when a worker runs before its migration: nothing can be claimed, and all of it afterwards."""
    jobs = {await accept(intake, uuid4()) for _ in range(3)}
    await run_as_superuser(urls, "alter table delivery rename column trace_context to renamed")
    try:
        with pytest.raises(UndefinedColumnError):
            await ledger.claim_next()
    finally:
        await run_as_superuser(urls, "alter table delivery rename column renamed to trace_context")
    assert await claim_all(ledger) == jobs


async def test_whoever_is_told_of_a_failed_delivery_may_fail_without_keeping_the_next_one_waiting(
    worker_db: Database, intake: Intake
) -> None:
    def tell(_: GivenUp) -> None:
        raise RuntimeError("the log's disk is full")

    ledger = Ledger(worker_db, lease=LEASE, max_attempts=0, tell_given_up=tell)
    await accept(intake, uuid4())
    assert await ledger.claim_next() is None


async def test_a_forgiven_attempt_does_not_count(ledger: Ledger, intake: Intake) -> None:
    await accept(intake, uuid4())
    for _ in range(5):
        claim = await next_claim(ledger)
        assert claim.attempts_used == 1
        await ledger.release(claim)


async def test_a_wait_is_kept(ledger: Ledger, intake: Intake) -> None:
    await accept(intake, uuid4())
    claim = await next_claim(ledger)
    await ledger.conclude(claim, an_outcome(Status.PENDING, wait_s=0.4))
    assert await ledger.claim_next() is None
    await asyncio.sleep(0.5)
    assert await ledger.claim_next() is not None


async def test_an_outcome_that_the_lease_decides_changes_nothing(ledger: Ledger, intake: Intake) -> None:
    await accept(intake, uuid4())
    claim = await next_claim(ledger)
    with pytest.raises(AssertionError, match="the lease decides"):
        await ledger.conclude(claim, replace(an_outcome(), status=None))
    await ledger.extend(claim)


async def test_a_tenant_with_thousands_does_not_keep_another_waiting(ledger: Ledger, intake: Intake) -> None:
    busy, quiet = uuid4(), uuid4()
    await asyncio.gather(*(accept(intake, busy) for _ in range(300)))
    held = [await ledger.claim_next() for _ in range(4)]
    assert all(claim is not None and claim.tenant_id == busy for claim in held)
    await accept(intake, quiet)
    assert (await next_claim(ledger)).tenant_id == quiet


async def test_the_backlog_counts_what_nobody_holds(ledger: Ledger, intake: Intake) -> None:
    for _ in range(3):
        await accept(intake, uuid4())
    await ledger.claim_next()
    backlog = await ledger.backlog()
    assert backlog.waiting == 2
    assert backlog.oldest > timedelta(0)
    assert len(await ledger.waiting(due_for=timedelta(0), limit=10)) == 2
    assert await ledger.waiting(due_for=timedelta(minutes=1), limit=10) == []


async def test_a_burst_of_webhooks_is_stored_whole(intake: Intake, ledger: Ledger, worker_db: Database) -> None:
    tenant_id = uuid4()
    jobs = await asyncio.gather(*(accept(intake, tenant_id, ticket_id=str(n)) for n in range(500)))
    stored = await list_deliveries(worker_db, tenant_id, limit=1000)
    assert {each.job_id for each in stored} == set(jobs)


async def test_an_error_text_with_nul_or_of_any_length_is_stored(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id = uuid4()
    job_id = await accept(intake, tenant_id)
    claim = await next_claim(ledger)
    await ledger.conclude(claim, an_outcome(detail="a\x00b" * 1000))
    assert await status(worker_db, tenant_id, job_id) == "failed"


async def test_many_claimants_together_take_no_more_of_a_tenant_than_it_has_slots(
    worker_db: Database, intake: Intake, ledger: Ledger
) -> None:
    few, other = uuid4(), uuid4()
    limited = Ledger(worker_db, lease=LEASE, max_attempts=3, slots=lambda: {few: 3, other: 50})
    for tenant_id in (few, other):
        for _ in range(10):
            await accept(intake, tenant_id)
    claims = [claim for claim in await asyncio.gather(*(limited.claim_next() for _ in range(30))) if claim]
    while (claim := await limited.claim_next()) is not None:
        claims.append(claim)

    assert len([claim for claim in claims if claim.tenant_id == other]) == 10
    mine = [claim for claim in claims if claim.tenant_id == few]
    assert len(mine) == 3
    assert all(claim.is_crowded for claim in mine)
    assert await limited.waiting(due_for=timedelta(0), limit=100) == []  # a ring would find nothing to claim

    await limited.conclude(mine[0], an_outcome(Status.IGNORED))
    assert len(await limited.waiting(due_for=timedelta(0), limit=100)) == 1
    assert (await next_claim(limited)).tenant_id == few
    assert (await ledger.backlog()).waiting == 6  # what has no slot waits, and is told of


async def test_a_claim_waits_for_a_tenants_lock_only_where_it_holds_no_other(
    ledger: Ledger, worker_db: Database, intake: Intake
) -> None:
    busy, free = uuid4(), uuid4()
    lock = numbered("select pg_advisory_xact_lock(hashtextextended(cast(:owner_id as text), 7203003))")
    jobs = [await accept(intake, busy), await accept(intake, free)]
    async with worker_db.transaction(None) as tx:
        await tx.value(lock, owner_id=str(busy))
        claim = await ledger.claim_next()
        assert claim is not None
        assert claim.job_id == jobs[1]
        waiting = asyncio.create_task(ledger.claim_next())
        await asyncio.sleep(0.3)
        assert not waiting.done()
    claim = await waiting
    assert claim is not None
    assert claim.job_id == jobs[0]


async def test_slots_that_change_hold_for_the_next_claim(worker_db: Database, intake: Intake) -> None:
    tenant_id = uuid4()
    slots = {tenant_id: 1}
    limited = Ledger(worker_db, lease=LEASE, max_attempts=3, slots=lambda: slots)
    for _ in range(3):
        await accept(intake, tenant_id)
    assert [await limited.claim_next() is not None for _ in range(2)] == [True, False]
    slots = {tenant_id: 2}
    assert [await limited.claim_next() is not None for _ in range(2)] == [True, False]


async def test_the_last_delivery_of_a_tenant_is_not_crowded(ledger: Ledger, intake: Intake) -> None:
    await accept(intake, uuid4())
    claim = await next_claim(ledger)
    assert not claim.is_crowded


async def test_a_tenant_with_ten_thousand_does_not_keep_another_waiting(
    worker_db: Database, intake: Intake, ledger: Ledger
) -> None:
    busy, quiet = uuid4(), uuid4()
    limited = Ledger(worker_db, lease=LEASE, max_attempts=3, slots=lambda: {busy: 10, quiet: 10})
    await asyncio.gather(*(accept(intake, busy) for _ in range(1_000)))
    await run_as_nobody(
        worker_db,
        "insert into due (tenant_id, job_id) select :tenant_id, gen_random_uuid() from generate_series(1, 9000)",
        tenant_id=busy,
    )
    while (claim := await limited.claim_next()) is not None:
        assert claim.tenant_id == busy
    job_id = await accept(intake, quiet)

    assert (await next_claim(limited)).job_id == job_id
    assert {each for each, _ in await limited.waiting(due_for=timedelta(0), limit=100)} == set()
