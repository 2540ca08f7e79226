"""The limiter's promise over a whole minute, and what a throttling does to those who wait already."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.db.limits.rate import CallRate
from app.db.session import Database, open_database
from app.errors import CallsExhausted
from demo.embedded import DatabaseUrls
from tests.builders import a_tenant

LONG = timedelta(minutes=10)


@pytest.mark.parametrize("per_minute", [1, 5, 30, 61, 600])
async def test_no_sixty_seconds_see_more_calls_than_a_minute_may_have(
    urls: DatabaseUrls, worker_db: Database, per_minute: int
) -> None:
    tenant = a_tenant(servicedesk={"calls_per_minute": per_minute})
    clock = asyncio.get_running_loop().time
    async with open_database(urls.worker, pool_size=5) as other:
        workers = [CallRate(database, tenant) for database in (worker_db, other)]
        count = min(2 * per_minute + 1, 90)

        async def turn(number: int) -> float:
            wait = await workers[number % 2]._take(longest_wait=LONG)
            return clock() + wait.total_seconds()

        times = sorted(await asyncio.gather(*(turn(number) for number in range(count))))

    tolerated_s = 1.5  # between the database's answer and our look at the clock, on a busy machine
    for number, begun in enumerate(times):
        in_a_minute = sum(begun <= time < begun + 60 - tolerated_s for time in times[number:])
        assert in_a_minute <= per_minute
    if count > per_minute:
        assert times[-1] - times[0] > 60 * (count - per_minute) / per_minute - tolerated_s


async def test_a_pause_is_followed_by_a_modest_burst(worker_db: Database) -> None:
    calls = CallRate(worker_db, a_tenant(servicedesk={"calls_per_minute": 30}))

    waits = [(await calls._take(longest_wait=LONG)).total_seconds() for _ in range(7)]

    assert waits[:5] == [0] * 5
    assert 1 < waits[5] < waits[6] < 6


async def test_a_patient_caller_leaves_the_burst_to_the_others(worker_db: Database) -> None:
    tenant = a_tenant(servicedesk={"calls_per_minute": 30})
    sync, worker = CallRate(worker_db, tenant, is_patient=True), CallRate(worker_db, tenant)

    assert not await sync._take(longest_wait=LONG)
    assert await sync._take(longest_wait=LONG) > timedelta(seconds=1)
    assert [await worker._take(longest_wait=LONG) for _ in range(3)] == [timedelta()] * 3


async def test_a_refused_turn_is_not_taken(worker_db: Database) -> None:
    tenant = a_tenant(servicedesk={"calls_per_minute": 1})
    calls = CallRate(worker_db, tenant, longest_wait=timedelta())
    await calls.acquire()

    for _ in range(5):
        with pytest.raises(CallsExhausted) as caught:
            await calls.acquire()

    assert caught.value.retry_after is not None
    assert timedelta(seconds=50) < caught.value.retry_after <= timedelta(seconds=60)


async def test_who_waits_already_waits_for_the_end_of_a_throttling_too(worker_db: Database) -> None:
    tenant = a_tenant(servicedesk={"calls_per_minute": 600})
    calls = CallRate(worker_db, tenant)
    clock = asyncio.get_running_loop().time
    for _ in range(5):
        await calls.acquire()
    begun = clock()
    waiting = [asyncio.create_task(calls.acquire()) for _ in range(3)]
    await asyncio.sleep(0.02)

    await calls.back_off(timedelta(seconds=0.8))

    ends = []
    for task in asyncio.as_completed(waiting):
        await task
        ends.append(clock() - begun)
    assert min(ends) > 0.75
    assert max(ends) - min(ends) > 0.15, "one by one, not all at once"


async def test_a_throttling_is_one_tenants_own(worker_db: Database) -> None:
    await CallRate(worker_db, a_tenant()).back_off(timedelta(minutes=1))

    await asyncio.wait_for(CallRate(worker_db, a_tenant()).acquire(), 2)
