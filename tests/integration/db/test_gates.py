"""What rests behind a gate is not claimed, is not lost, and is taken up when the gate opens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.retry import FAILURES_TO_CLOSE
from app.db.choices import Choice
from app.db.deliveries import count_deliveries, dismiss_deliveries, list_deliveries, replay_deliveries
from app.db.gates import EVERY_TENANT, Cause, Gates
from app.db.intake import AcceptedDelivery, Intake, open_intake
from app.db.ledger import Claim, Ledger
from app.db.load import dead_by_tenant, load_by_tenant
from app.db.session import Database
from demo.embedded import DatabaseUrls

NOW = timedelta(0)


@pytest.fixture(scope="module")
async def intake(urls: DatabaseUrls) -> AsyncIterator[Intake]:
    async with open_intake(urls.intake) as intake:
        yield intake


@pytest.fixture
async def ledger(worker_db: Database) -> AsyncIterator[Ledger]:
    yield Ledger(worker_db, lease=timedelta(seconds=30), max_attempts=3)
    async with worker_db.across_tenants() as session:
        await session.execute(text("delete from due"))
    await Gates(worker_db).resume(EVERY_TENANT)


async def accept(intake: Intake, tenant_id: UUID) -> UUID:
    job_id = uuid4()
    await intake.accept(AcceptedDelivery(tenant_id, job_id, "1", "ticket_created", b"{}", None))
    return job_id


async def fail_in_a_row(gates: Gates, tenant_id: UUID, cause: Cause, times: int) -> bool:
    is_closed = False
    for _ in range(times):
        is_closed = await gates.count_failure(tenant_id, cause)
    return is_closed


async def let_rests_end(database: Database, tenant_id: UUID) -> None:
    async with database.as_tenant(tenant_id) as session:
        await session.execute(text("update gate set closed_until = now()"))


async def test_a_paused_tenants_deliveries_rest_until_it_resumes(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    paused, other, gates = uuid4(), uuid4(), Gates(worker_db)
    await gates.pause(paused, by="an operator", reason="upgrade")
    resting, working = await accept(intake, paused), await accept(intake, other)

    claim = await ledger.claim_next()
    assert claim is not None
    assert claim.job_id == working
    assert await ledger.claim_next() is None
    assert await ledger.waiting(unheard_for=NOW, limit=10) == []
    assert (await load_by_tenant(worker_db))[paused].waiting == 1
    [gate] = await gates.closed([paused])
    assert (gate.cause, gate.until, gate.closed_by, gate.reason) == (Cause.PAUSED, None, "an operator", "upgrade")

    assert await gates.resume(paused)
    assert not await gates.resume(paused)
    assert await ledger.waiting(unheard_for=NOW, limit=10) == [(paused, resting)]
    claim = await ledger.claim_next()
    assert claim is not None
    assert claim.job_id == resting


async def test_a_pause_of_all_holds_every_tenant_and_leaves_a_pause_of_one(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    one, two, gates = uuid4(), uuid4(), Gates(worker_db)
    await gates.pause(EVERY_TENANT, by="x", reason="y")
    await gates.pause(one, by="x", reason="y")
    await accept(intake, one)
    job_id = await accept(intake, two)
    assert await ledger.claim_next() is None

    await gates.resume(EVERY_TENANT)
    claim = await ledger.claim_next()
    assert claim is not None
    assert claim.job_id == job_id
    assert await ledger.claim_next() is None
    await gates.resume(one)


async def test_failures_in_a_row_close_a_gate_and_the_next_comes_alone(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id, gates = uuid4(), Gates(worker_db)
    for _ in range(3):
        await accept(intake, tenant_id)
    assert not await fail_in_a_row(gates, tenant_id, Cause.HELP_DESK, FAILURES_TO_CLOSE - 1)
    first = await ledger.claim_next()
    assert first is not None
    assert first.failing == {Cause.HELP_DESK}
    assert await gates.count_failure(tenant_id, Cause.HELP_DESK)
    assert await ledger.claim_next() is None

    await ledger.try_later(first, wait=NOW, error="x", is_forgiven=True)
    await let_rests_end(worker_db, tenant_id)
    assert await ledger.claim_next() is not None
    assert await ledger.claim_next() is None  # one on trial

    await gates.open(tenant_id, Cause.HELP_DESK)
    assert await ledger.claim_next() is not None


async def test_what_fails_while_the_gate_is_closed_makes_the_rest_no_longer(worker_db: Database) -> None:
    tenant_id, gates = uuid4(), Gates(worker_db)
    await fail_in_a_row(gates, tenant_id, Cause.HELP_DESK, FAILURES_TO_CLOSE)
    [before] = await gates.closed([tenant_id])
    assert await fail_in_a_row(gates, tenant_id, Cause.HELP_DESK, 8)
    [after] = await gates.closed([tenant_id])

    assert (after.until, after.failures) == (before.until, before.failures)


async def test_a_success_forgets_the_failures_before_it(worker_db: Database) -> None:
    tenant_id, gates = uuid4(), Gates(worker_db)
    await fail_in_a_row(gates, tenant_id, Cause.MODEL, FAILURES_TO_CLOSE - 1)
    await gates.open(tenant_id, Cause.MODEL)

    assert not await fail_in_a_row(gates, tenant_id, Cause.MODEL, FAILURES_TO_CLOSE - 1)


async def test_a_model_that_rests_holds_no_delivery_back_and_the_claim_says_so(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id = uuid4()
    await accept(intake, tenant_id)
    await fail_in_a_row(Gates(worker_db), tenant_id, Cause.MODEL, FAILURES_TO_CLOSE)

    claim = await ledger.claim_next()
    assert claim is not None
    assert claim.closed == {Cause.MODEL}


async def test_a_gate_that_was_closed_for_longer_stays_so(worker_db: Database) -> None:
    tenant_id, gates = uuid4(), Gates(worker_db)
    await gates.close(tenant_id, Cause.CALLS, wait=timedelta(minutes=5))
    [long] = await gates.closed([tenant_id])
    await gates.close(tenant_id, Cause.CALLS, wait=timedelta(seconds=1))

    assert [gate.until for gate in await gates.closed([tenant_id])] == [long.until]


async def test_calls_that_are_used_up_hold_a_tenant_for_as_long_and_no_longer(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id = uuid4()
    await accept(intake, tenant_id)
    await Gates(worker_db).close(tenant_id, Cause.CALLS, wait=timedelta(seconds=0.3))
    assert await ledger.claim_next() is None
    await asyncio.sleep(0.4)
    assert await ledger.claim_next() is not None


async def test_a_worker_closes_the_gate_of_no_other_tenant(worker_db: Database) -> None:
    mine, theirs = uuid4(), uuid4()
    with pytest.raises(DBAPIError, match="row-level security"):
        async with worker_db.as_tenant(mine) as session:
            await session.execute(
                text("insert into gate (tenant_id, cause, closed_until) values (:id, 'paused', 'infinity')"),
                {"id": theirs},
            )
    await Gates(worker_db).pause(theirs, by="x", reason="y")
    async with worker_db.as_tenant(mine) as session:
        assert (
            await session.execute(text("delete from gate where tenant_id = :id returning 1"), {"id": theirs})
        ).all() == []


async def dead_claim(ledger: Ledger, intake: Intake, tenant_id: UUID, error: str) -> Claim:
    await accept(intake, tenant_id)
    claim = await ledger.claim_next()
    assert claim is not None
    await ledger.fail(claim, error)
    return claim


async def test_the_dead_are_counted_replayed_within_a_limit_and_dismissed_with_a_reason(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id, other = uuid4(), uuid4()
    bad_gateway = [(await dead_claim(ledger, intake, tenant_id, "answered 502")).job_id for _ in range(3)]
    missing = (await dead_claim(ledger, intake, tenant_id, "has no ticket of id 1")).job_id
    foreign = (await dead_claim(ledger, intake, other, "answered 502")).job_id
    dead = await dead_by_tenant(worker_db)
    assert (dead[tenant_id].number, dead[other].number) == (4, 1)

    choice = Choice(reason="ANSWERED 502")
    assert set(await replay_deliveries(worker_db, tenant_id, choice, limit=2)) == set(bad_gateway[:2])  # the oldest
    assert await replay_deliveries(worker_db, tenant_id, job_ids=[foreign], limit=10) == []
    assert (await dead_by_tenant(worker_db))[tenant_id].number == 2
    assert (await load_by_tenant(worker_db))[tenant_id].waiting == 2

    assert await dismiss_deliveries(worker_db, tenant_id, job_ids=[missing], because="a test", limit=10) == [missing]
    assert (await dead_by_tenant(worker_db))[tenant_id].number == 1
    [settled] = [each for each in await list_deliveries(worker_db, tenant_id) if each.job_id == missing]
    assert (settled.status, settled.ignored_because) == ("ignored", "dismissed: a test")


async def test_a_delivery_is_found_by_the_reason_that_is_shown_not_by_one_that_it_had_before(
    ledger: Ledger, intake: Intake, worker_db: Database
) -> None:
    tenant_id = uuid4()
    dismissed = (await dead_claim(ledger, intake, tenant_id, "answered 502")).job_id
    failed = (await dead_claim(ledger, intake, tenant_id, "answered 502")).job_id
    await dismiss_deliveries(worker_db, tenant_id, job_ids=[dismissed], because="closed by hand", limit=10)
    done = (await dead_claim(ledger, intake, tenant_id, "answered 502")).job_id
    async with worker_db.as_tenant(tenant_id) as session:
        await session.execute(text("update delivery set status = 'done' where job_id = :job_id"), {"job_id": done})

    async def found(reason: str) -> list[tuple[object, str | None]]:
        choice = Choice(reason=reason)
        assert await count_deliveries(worker_db, tenant_id, choice) == 1
        return [(each.job_id, each.reason) for each in await list_deliveries(worker_db, tenant_id, choice)]

    assert await found("Answered 502") == [(failed, "answered 502")]
    assert await found("BY HAND") == [(dismissed, "dismissed: closed by hand")]
    assert await count_deliveries(worker_db, tenant_id, Choice(), at_most=1) == 1
