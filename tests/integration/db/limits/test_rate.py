"""The tenant's turns and its access token, shared by all workers through the database."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.core.access_token import AccessToken
from app.core.tenant import Tenant
from app.db.limits.access_tokens import AccessTokens
from app.db.limits.rate import CallRate
from app.db.session import Database, open_database
from app.errors import CallsExhausted
from demo.embedded import DatabaseUrls
from tests.builders import a_tenant


def a_tenant_with(calls_per_minute: int) -> Tenant:
    return a_tenant(f"t{uuid4().hex[:8]}", servicedesk={"calls_per_minute": calls_per_minute})


async def test_two_workers_together_keep_the_tenants_calls_a_minute(urls: DatabaseUrls, worker_db: Database) -> None:
    tenant = a_tenant_with(600)
    async with open_database(urls.worker) as other:
        workers = [CallRate(database, tenant, longest_wait=timedelta(seconds=20)) for database in (worker_db, other)]
        started = time.monotonic()
        await asyncio.gather(*(workers[n % 2].acquire() for n in range(20)))
        assert time.monotonic() - started >= (20 - 6) * 60 / 600


async def test_a_turn_that_is_too_far_away_is_refused_with_the_wait(worker_db: Database) -> None:
    tenant = a_tenant_with(6)
    calls = CallRate(worker_db, tenant, longest_wait=timedelta(seconds=1))
    await calls.acquire()
    with pytest.raises(CallsExhausted) as caught:
        await asyncio.gather(*(calls.acquire() for _ in range(10)))
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > timedelta(seconds=1)
    await CallRate(worker_db, a_tenant_with(6), longest_wait=timedelta(seconds=1)).acquire()


async def test_a_throttling_holds_up_every_worker_of_the_tenant(urls: DatabaseUrls, worker_db: Database) -> None:
    tenant = a_tenant_with(6000)
    await CallRate(worker_db, tenant).back_off(timedelta(seconds=30))
    async with open_database(urls.worker) as other:
        with pytest.raises(CallsExhausted):
            await CallRate(other, tenant, longest_wait=timedelta(seconds=1)).acquire()


class Accounts:
    """An accounts server that counts."""

    def __init__(self, *, life: timedelta = timedelta(hours=1)) -> None:
        self.refreshes = 0
        self._life = life

    async def refresh(self) -> AccessToken:
        self.refreshes += 1
        await asyncio.sleep(0.05)
        return AccessToken(f"token-{self.refreshes}", self._life)


async def test_twenty_callers_share_one_refresh(worker_db: Database) -> None:
    tenant_id, accounts = uuid4(), Accounts()
    caches = [AccessTokens(worker_db, tenant_id, refresh_token="r") for _ in range(20)]
    tokens = await asyncio.gather(*(cache.access_token(accounts.refresh) for cache in caches))
    assert set(tokens) == {"token-1"}
    assert accounts.refreshes == 1


async def test_a_token_is_sealed_with_the_refresh_token(worker_db: Database) -> None:
    tenant_id, accounts = uuid4(), Accounts()
    await AccessTokens(worker_db, tenant_id, refresh_token="r").access_token(accounts.refresh)
    async with worker_db.as_tenant(tenant_id) as session:
        sealed = (await session.execute(text("select sealed_token from access_token"))).scalar_one()
    assert b"token-1" not in bytes(sealed)
    rotated = AccessTokens(worker_db, tenant_id, refresh_token="another")
    assert await rotated.access_token(accounts.refresh) == "token-2"
