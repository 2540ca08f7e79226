"""The slots of a shared help desk hold for all its accounts and its own deliveries, however many workers claim at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from app.core.delivery import Event, Status
from app.db.ledger.claims import Claim, Ledger
from app.db.ledger.intake import AcceptedDelivery, open_intake
from app.db.limits.accounts import keep_accounts
from app.db.session import open_database
from demo.embedded import DatabaseUrls
from tests.builders import a_body, an_outcome
from tests.integration.worker.conftest import clear


async def fill(urls: DatabaseUrls, owners: list[UUID], number: int) -> None:
    async with open_intake(urls.intake) as intake:
        for owner in owners:
            for each in range(number):
                await intake.accept(
                    AcceptedDelivery(owner, uuid4(), f"{each}", Event.CREATED, a_body(ticket_id=f"{each}"), None)
                )


@pytest.mark.parametrize("desk_slots", [1, 3])
async def test_many_claimers_at_once_never_exceed_the_instances_slots(urls: DatabaseUrls, desk_slots: int) -> None:
    instance, other = uuid4(), uuid4()
    accounts = [uuid4() for _ in range(4)]
    slots = {instance: desk_slots, other: 2} | dict.fromkeys(accounts, 10)
    async with open_database(urls.worker, pool_size=12) as database:
        await clear(database)
        await keep_accounts(database, dict.fromkeys(accounts, instance))
        await fill(urls, [instance, other, *accounts], 8)
        ledger = Ledger(database, lease=timedelta(seconds=60), max_attempts=5, slots=lambda: slots)
        held: list[Claim] = []
        most = {"desk": 0, "other": 0}
        settled: set[UUID] = set()

        async def work() -> None:
            idle = 0
            while idle < 40:
                claim = await ledger.claim_next()
                if claim is None:
                    idle += 1
                    await asyncio.sleep(0.01)
                    continue
                idle = 0
                held.append(claim)
                of_other = sum(each.tenant_id == other for each in held)
                most["desk"] = max(most["desk"], len(held) - of_other)
                most["other"] = max(most["other"], of_other)
                await asyncio.sleep(0.05)
                held.remove(claim)
                await ledger.conclude(claim, an_outcome(Status.FAILED))
                settled.add(claim.job_id)

        await asyncio.gather(*(work() for _ in range(12)))
        assert most == {"desk": desk_slots, "other": 2}
        assert len(settled) == 8 * 6
        await keep_accounts(database, {})
        await clear(database)


async def test_an_instances_own_deliveries_use_its_slots_too(urls: DatabaseUrls) -> None:
    instance, account = uuid4(), uuid4()
    slots = {instance: 2, account: 10}
    async with open_database(urls.worker, pool_size=2) as database:
        await clear(database)
        await keep_accounts(database, {account: instance})
        ledger = Ledger(database, lease=timedelta(seconds=60), max_attempts=5, slots=lambda: slots)
        await fill(urls, [account], 3)
        assert [(await ledger.claim_next()) is not None for _ in range(3)] == [True, True, False]
        await fill(urls, [instance], 3)
        assert await ledger.claim_next() is None
        assert await ledger.waiting(due_for=timedelta(0), limit=10) == []
        await keep_accounts(database, {})
        await clear(database)


async def test_many_accounts_that_wait_for_their_instances_slots_keep_no_other_tenant_waiting(
    urls: DatabaseUrls,
) -> None:
    instance, other = uuid4(), uuid4()
    accounts = [uuid4() for _ in range(60)]
    slots = {instance: 1, other: 1} | dict.fromkeys(accounts, 1)
    async with open_database(urls.worker, pool_size=2) as database:
        await clear(database)
        await keep_accounts(database, dict.fromkeys(accounts, instance))
        await fill(urls, accounts, 1)
        await fill(urls, [other], 1)
        ledger = Ledger(database, lease=timedelta(seconds=60), max_attempts=5, slots=lambda: slots)
        claims = [await ledger.claim_next() for _ in range(3)]
        assert [None if claim is None else claim.tenant_id == other for claim in claims] == [False, True, None]
        await keep_accounts(database, {})
        await clear(database)
