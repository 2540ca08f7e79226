"""What is held back is not claimed, is not lost, and is taken up when the hold ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.delivery import Status
from app.core.retry import FAILURES_TO_OPEN
from app.core.tenant import EVERY_TENANT
from app.db.ledger.claims import Claim, Ledger
from app.db.ledger.intake import Intake
from app.db.limits.circuits import Circuits, Dependency
from app.db.limits.holds import Cause, list_holds
from app.db.limits.pauses import pause, resume
from app.db.limits.rate import hold_until_next_turn
from app.db.reports.choices import Choice
from app.db.reports.deliveries import count_deliveries, dismiss_deliveries, list_deliveries, replay_deliveries
from app.db.reports.load import failed_by_tenant, load_by_tenant
from app.db.session import Database
from app.errors import Code
from tests.builders import an_outcome
from tests.integration.db.conftest import accept, next_claim

NOW = timedelta(0)


async def fail_in_a_row(circuits: Circuits, tenant_id: UUID, dependency: Dependency, times: int) -> bool:
    is_open = False
    for _ in range(times):
        is_open = await circuits.record_failure(tenant_id, dependency)
    return is_open


async def let_circuits_be_tried(database: Database, tenant_id: UUID) -> None:
    async with database.as_tenant(tenant_id) as session:
        await session.execute(text("update gate set closed_until = now()"))


async def test_a_paused_tenants_deliveries_rest_until_it_resumes(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    paused, other = uuid4(), uuid4()
    await pause(worker_db, paused, by="an operator", reason="upgrade")
    resting, working = await accept(intake, paused), await accept(intake, other)

    assert (await next_claim(ledger)).job_id == working
    assert await ledger.claim_next() is None
    assert await ledger.waiting(due_for=NOW, limit=10) == []
    assert (await load_by_tenant(worker_db))[paused].waiting == 1
    [hold] = await list_holds(worker_db, [paused])
    assert (hold.cause, hold.until, hold.by, hold.reason) == (Cause.PAUSED, None, "an operator", "upgrade")

    assert await resume(worker_db, paused)
    assert not await resume(worker_db, paused)
    assert await ledger.waiting(due_for=NOW, limit=10) == [(paused, resting)]
    assert (await next_claim(ledger)).job_id == resting


async def test_a_pause_of_all_holds_every_tenant_and_leaves_a_pause_of_one(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    one, two = uuid4(), uuid4()
    await pause(worker_db, EVERY_TENANT, by="x", reason="y")
    await pause(worker_db, one, by="x", reason="y")
    await accept(intake, one)
    job_id = await accept(intake, two)
    assert await ledger.claim_next() is None

    await resume(worker_db, EVERY_TENANT)
    assert (await next_claim(ledger)).job_id == job_id
    assert await ledger.claim_next() is None
    await resume(worker_db, one)


async def test_failures_in_a_row_open_a_circuit_and_the_next_comes_alone(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id, circuits = uuid4(), Circuits(worker_db)
    for _ in range(3):
        await accept(intake, tenant_id)
    assert not await fail_in_a_row(circuits, tenant_id, Dependency.HELP_DESK, FAILURES_TO_OPEN - 1)
    first = await next_claim(ledger)
    assert first.failing == {Dependency.HELP_DESK}
    assert await circuits.record_failure(tenant_id, Dependency.HELP_DESK)
    assert await ledger.claim_next() is None

    await ledger.conclude(first, an_outcome(Status.PENDING))
    await let_circuits_be_tried(worker_db, tenant_id)
    assert await ledger.claim_next() is not None
    assert await ledger.claim_next() is None  # one on trial

    await circuits.record_success(tenant_id, Dependency.HELP_DESK)
    assert await ledger.claim_next() is not None


async def test_what_fails_while_a_circuit_is_open_keeps_it_open_no_longer(worker_db: Database) -> None:
    tenant_id, circuits = uuid4(), Circuits(worker_db)
    await fail_in_a_row(circuits, tenant_id, Dependency.HELP_DESK, FAILURES_TO_OPEN)
    [before] = await list_holds(worker_db, [tenant_id])
    assert await fail_in_a_row(circuits, tenant_id, Dependency.HELP_DESK, 8)
    [after] = await list_holds(worker_db, [tenant_id])

    assert (after.until, after.failures) == (before.until, before.failures)


async def test_a_success_forgets_the_failures_before_it(worker_db: Database) -> None:
    tenant_id, circuits = uuid4(), Circuits(worker_db)
    await fail_in_a_row(circuits, tenant_id, Dependency.MODEL, FAILURES_TO_OPEN - 1)
    await circuits.record_success(tenant_id, Dependency.MODEL)

    assert not await fail_in_a_row(circuits, tenant_id, Dependency.MODEL, FAILURES_TO_OPEN - 1)


async def test_a_model_whose_circuit_is_open_holds_no_delivery_back_and_the_claim_says_so(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id = uuid4()
    await accept(intake, tenant_id)
    await fail_in_a_row(Circuits(worker_db), tenant_id, Dependency.MODEL, FAILURES_TO_OPEN)

    assert (await next_claim(ledger)).open == {Dependency.MODEL}


async def test_a_hold_that_was_on_for_longer_stays_so(worker_db: Database) -> None:
    tenant_id = uuid4()
    await hold_until_next_turn(worker_db, tenant_id, wait=timedelta(minutes=5))
    [long] = await list_holds(worker_db, [tenant_id])
    await hold_until_next_turn(worker_db, tenant_id, wait=timedelta(seconds=1))

    assert [hold.until for hold in await list_holds(worker_db, [tenant_id])] == [long.until]


async def test_calls_that_are_used_up_hold_a_tenant_for_as_long_and_no_longer(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id = uuid4()
    await accept(intake, tenant_id)
    await hold_until_next_turn(worker_db, tenant_id, wait=timedelta(seconds=0.3))
    assert await ledger.claim_next() is None
    await asyncio.sleep(0.4)
    assert await ledger.claim_next() is not None


async def test_a_worker_holds_back_no_other_tenant(worker_db: Database) -> None:
    mine, theirs = uuid4(), uuid4()
    with pytest.raises(DBAPIError, match="row-level security"):
        async with worker_db.as_tenant(mine) as session:
            await session.execute(
                text("insert into gate (tenant_id, cause, closed_until) values (:id, 'paused', 'infinity')"),
                {"id": theirs},
            )
    await pause(worker_db, theirs, by="x", reason="y")
    async with worker_db.as_tenant(mine) as session:
        assert (
            await session.execute(text("delete from gate where tenant_id = :id returning 1"), {"id": theirs})
        ).all() == []


async def failed_claim(
    ledger: Ledger,
    intake: Intake,
    tenant_id: UUID,
    detail: str = "answered 502",
    code: Code = Code.HELP_DESK_FAILED,
) -> Claim:
    await accept(intake, tenant_id)
    claim = await next_claim(ledger)
    await ledger.conclude(claim, an_outcome(code=code, detail=detail))
    return claim


async def test_the_failed_are_counted_replayed_within_a_limit_and_dismissed_with_a_reason(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id, other = uuid4(), uuid4()
    bad_gateway = [(await failed_claim(ledger, intake, tenant_id, "answered 502")).job_id for _ in range(3)]
    missing = (await failed_claim(ledger, intake, tenant_id, "has no ticket of id 1", Code.TICKET_NOT_FOUND)).job_id
    foreign = (await failed_claim(ledger, intake, other, "answered 502")).job_id
    failed = await failed_by_tenant(worker_db)
    assert (failed[tenant_id].number, failed[other].number) == (4, 1)

    choice = Choice(code=Code.HELP_DESK_FAILED)
    assert set(await replay_deliveries(worker_db, tenant_id, choice, limit=2)) == set(bad_gateway[:2])  # the oldest
    assert await replay_deliveries(worker_db, tenant_id, job_ids=[foreign], limit=10) == []
    assert (await failed_by_tenant(worker_db))[tenant_id].number == 2
    assert (await load_by_tenant(worker_db))[tenant_id].waiting == 2

    assert await dismiss_deliveries(worker_db, tenant_id, job_ids=[missing], because="a test", limit=10) == [missing]
    assert (await failed_by_tenant(worker_db))[tenant_id].number == 1
    [settled] = [each for each in await list_deliveries(worker_db, tenant_id) if each.job_id == missing]
    assert (settled.status, settled.ignored_because) == ("ignored", "a test")
    assert (settled.code, settled.is_dismissed) == ("dismissed", True)


async def test_a_delivery_is_found_by_the_reason_that_is_shown_not_by_one_that_it_had_before(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id = uuid4()
    dismissed = (await failed_claim(ledger, intake, tenant_id, "answered 502")).job_id
    failed = (await failed_claim(ledger, intake, tenant_id, "answered 502")).job_id
    await dismiss_deliveries(worker_db, tenant_id, job_ids=[dismissed], because="closed by hand", limit=10)
    done = (await failed_claim(ledger, intake, tenant_id, "answered 502")).job_id
    async with worker_db.as_tenant(tenant_id) as session:
        await session.execute(
            text("update delivery set status = 'done', code = null where job_id = :job_id"), {"job_id": done}
        )

    async def found(code: Code) -> list[tuple[object, str | None]]:
        choice = Choice(code=code)
        assert await count_deliveries(worker_db, tenant_id, choice) == 1
        return [(each.job_id, each.reason) for each in await list_deliveries(worker_db, tenant_id, choice)]

    assert await found(Code.HELP_DESK_FAILED) == [(failed, "answered 502")]
    assert await found(Code.DISMISSED) == [(dismissed, "closed by hand")]
    assert await count_deliveries(worker_db, tenant_id, Choice(), at_most=1) == 1
