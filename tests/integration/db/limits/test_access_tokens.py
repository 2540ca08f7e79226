"""Who fetches an access token, when, and what happens when the one who does fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.core.access_token import AccessToken, NoTokenGiven
from app.db.limits.access_tokens import MAX_REFRESHES, AccessTokens
from app.db.session import Database, open_database
from app.errors import CallsExhausted, HelpDeskUnavailable
from demo.embedded import DatabaseUrls

LONG_AGO = "fetched_at = fetched_at - interval '6 minutes'"

Refresh = Callable[[], Awaitable[AccessToken]]


def tokens(prefix: str = "token", *, life: timedelta = timedelta(hours=1)) -> tuple[Refresh, list[str]]:
    """A refresh that gives a new token each time, and what it gave."""
    given: list[str] = []

    async def refresh() -> AccessToken:
        await asyncio.sleep(0.02)
        given.append(f"{prefix}-{len(given) + 1}")
        return AccessToken(given[-1], life)

    return refresh, given


async def change(database: Database, tenant_id: UUID, assignment: str) -> None:
    async with database.as_tenant(tenant_id) as session:
        await session.execute(text(f"update access_token set {assignment}"))


async def test_workers_of_two_processes_share_one_fetch(urls: DatabaseUrls, worker_db: Database) -> None:
    tenant_id, (refresh, given) = uuid4(), tokens()
    async with open_database(urls.worker, pool_size=3) as other:
        caches = [AccessTokens(database, tenant_id, refresh_token="r") for database in (worker_db, other)]
        got = await asyncio.gather(*(caches[n % 2].access_token(refresh) for n in range(20)))

    assert given == ["token-1"]
    assert set(got) == {"token-1"}


async def test_how_long_a_token_is_good_is_counted_by_the_databases_clock(worker_db: Database) -> None:
    """A worker an hour behind stored tokens that had ended: each call fetched another, until none were left."""
    tenant_id, (refresh, given) = uuid4(), tokens(life=timedelta(minutes=30))
    cache = AccessTokens(worker_db, tenant_id, refresh_token="r")
    await cache.access_token(refresh)

    async with worker_db.as_tenant(tenant_id) as session:
        left = (await session.execute(text("select expires_at - clock_timestamp() from access_token"))).scalar_one()

    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    await cache.access_token(refresh)
    assert given == ["token-1"]


async def test_twenty_whose_token_was_refused_share_one_fetch(worker_db: Database) -> None:
    tenant_id, (refresh, given) = uuid4(), tokens()
    caches = [AccessTokens(worker_db, tenant_id, refresh_token="r") for _ in range(20)]
    await caches[0].access_token(refresh)
    await change(worker_db, tenant_id, LONG_AGO)

    got = await asyncio.gather(*(cache.access_token(refresh, rejected="token-1") for cache in caches))

    assert set(got) == {"token-2"}
    assert len(given) == 2
    assert await caches[3].access_token(refresh, rejected="token-1") == "token-2"


async def test_a_token_that_was_fetched_minutes_ago_is_not_replaced(worker_db: Database) -> None:
    tenant_id, (refresh, given) = uuid4(), tokens()
    cache = AccessTokens(worker_db, tenant_id, refresh_token="r")
    await cache.access_token(refresh)
    assert await cache.access_token(refresh, rejected="token-1") == "token-1"
    assert await cache.access_token(refresh, rejected="an older one") == "token-1"
    await change(worker_db, tenant_id, LONG_AGO)
    assert await cache.access_token(refresh, rejected="token-1") == "token-2"
    assert len(given) == 2


async def test_a_fetch_that_surely_gave_no_token_is_none_of_the_few(worker_db: Database) -> None:
    tenant_id, (refresh, _) = uuid4(), tokens()
    cache = AccessTokens(worker_db, tenant_id, refresh_token="r")

    async def out() -> AccessToken:
        raise NoTokenGiven("no connection was made")

    for _ in range(2 * MAX_REFRESHES):  # an outage of the accounts server
        with pytest.raises(NoTokenGiven):
            await cache.access_token(out)
    assert await cache.access_token(refresh) == "token-1"


async def test_a_fetch_that_may_have_given_a_token_counts(worker_db: Database) -> None:
    tenant_id, (refresh, _) = uuid4(), tokens()
    cache = AccessTokens(worker_db, tenant_id, refresh_token="r")

    async def silent() -> AccessToken:
        raise HelpDeskUnavailable("no answer came")

    for _ in range(MAX_REFRESHES):
        with pytest.raises(HelpDeskUnavailable):
            await cache.access_token(silent)
    with pytest.raises(CallsExhausted):
        await cache.access_token(refresh)


@pytest.mark.parametrize("until", ["'infinity'", "'20000-01-01'", "now() + interval '1 day'"])
async def test_a_lease_that_no_clock_gives_keeps_nobody_waiting(worker_db: Database, until: str) -> None:
    """The clock was set back, or a hand wrote it: its holder won't end it."""
    tenant_id, (refresh, given) = uuid4(), tokens(life=timedelta(0))
    cache = AccessTokens(worker_db, tenant_id, refresh_token="r")
    await cache.access_token(refresh)
    await change(worker_db, tenant_id, f"refreshing_until = {until}")

    assert await asyncio.wait_for(cache.access_token(refresh), 5) == given[-1] == "token-2"


async def test_a_fetch_that_fails_gives_its_turn_to_the_next_at_once(worker_db: Database) -> None:
    tenant_id, (refresh, _) = uuid4(), tokens()
    first, second = (AccessTokens(worker_db, tenant_id, refresh_token="r") for _ in range(2))

    async def fail() -> AccessToken:
        await asyncio.sleep(0.1)
        raise HelpDeskUnavailable("no answer")

    failing = asyncio.create_task(first.access_token(fail))
    await asyncio.sleep(0.05)
    waiting = asyncio.create_task(second.access_token(refresh))

    with pytest.raises(HelpDeskUnavailable, match="no answer"):
        await failing
    assert await asyncio.wait_for(waiting, 2) == "token-1"


async def test_a_fetch_that_is_cancelled_gives_its_turn_to_the_next_at_once(worker_db: Database) -> None:
    tenant_id, (refresh, _) = uuid4(), tokens()
    first, second = (AccessTokens(worker_db, tenant_id, refresh_token="r") for _ in range(2))

    async def hang() -> AccessToken:
        await asyncio.sleep(60)
        raise AssertionError

    hanging = asyncio.create_task(first.access_token(hang))
    await asyncio.sleep(0.1)
    hanging.cancel()
    await asyncio.wait([hanging])

    assert await asyncio.wait_for(second.access_token(refresh), 2) == "token-1"


async def test_who_is_killed_while_fetching_blocks_the_others_until_its_lease_ends(worker_db: Database) -> None:
    tenant_id, (refresh, given) = uuid4(), tokens()
    cache = AccessTokens(worker_db, tenant_id, refresh_token="r")
    await cache.access_token(refresh)
    await change(worker_db, tenant_id, "expires_at = now(), refreshing_until = clock_timestamp() + interval '0.6 s'")

    begun = asyncio.get_running_loop().time()
    assert await cache.access_token(refresh) == "token-2"

    assert asyncio.get_running_loop().time() - begun > 0.4
    assert len(given) == 2


async def test_a_token_is_renewed_a_minute_early_and_serves_on_while_another_fetches(worker_db: Database) -> None:
    tenant_id, (refresh, given) = uuid4(), tokens()
    cache = AccessTokens(worker_db, tenant_id, refresh_token="r")
    await cache.access_token(refresh)
    in_use = "expires_at = clock_timestamp() + interval '50 s'"

    await change(worker_db, tenant_id, f"{in_use}, refreshing_until = clock_timestamp() + interval '20 s'")
    assert await cache.access_token(refresh) == "token-1"
    await change(worker_db, tenant_id, "refreshing_until = null")
    assert await cache.access_token(refresh) == "token-2"

    assert len(given) == 2


async def test_no_more_tokens_are_fetched_than_the_accounts_server_gives(worker_db: Database) -> None:
    tenant_id, (refresh, given) = uuid4(), tokens()
    cache = AccessTokens(worker_db, tenant_id, refresh_token="r")
    rejected = None
    for _ in range(MAX_REFRESHES):
        rejected = await cache.access_token(refresh, rejected=rejected)
        await change(worker_db, tenant_id, LONG_AGO)

    with pytest.raises(CallsExhausted) as caught:
        await cache.access_token(refresh, rejected=rejected)

    assert len(given) == MAX_REFRESHES
    assert caught.value.retry_after is not None
    assert timedelta(minutes=9) < caught.value.retry_after <= timedelta(minutes=10)
    await change(worker_db, tenant_id, "refreshes = array(select r - interval '10 minutes' from unnest(refreshes) r)")
    assert await cache.access_token(refresh, rejected=rejected) == f"token-{MAX_REFRESHES + 1}"


@pytest.mark.parametrize("stored", ["''", "'\\x00'", "'\\x000102030405060708090a0b0c0d0e0f'"])
async def test_a_stored_token_that_cannot_be_read_is_none(worker_db: Database, stored: str) -> None:
    tenant_id, (refresh, _) = uuid4(), tokens()
    await AccessTokens(worker_db, tenant_id, refresh_token="r").access_token(refresh)
    await change(worker_db, tenant_id, f"sealed_token = {stored}")

    assert await AccessTokens(worker_db, tenant_id, refresh_token="r").access_token(refresh) == "token-2"


async def test_each_tenant_has_a_token_of_its_own(worker_db: Database) -> None:
    one, _ = tokens("one")
    two, _ = tokens("two")

    assert await AccessTokens(worker_db, uuid4(), refresh_token="r").access_token(one) == "one-1"
    assert await AccessTokens(worker_db, uuid4(), refresh_token="r").access_token(two) == "two-1"


async def test_what_is_stored_of_a_token_shows_it_to_nobody_without_the_refresh_token(worker_db: Database) -> None:
    tenant_id, (refresh, _) = uuid4(), tokens("a-long-access-token")
    await AccessTokens(worker_db, tenant_id, refresh_token="r").access_token(refresh)
    async with worker_db.as_tenant(tenant_id) as session:
        stored = (await session.execute(text("select t.*, t::text as all from access_token t"))).one()
    assert b"access-token" not in bytes(stored.sealed_token)
    assert "access-token" not in stored.all
    assert b"a-long-access-token".hex() not in stored.all
    # Another tenant's, copied into this one's row, is none.
    other, (refresh_other, given) = uuid4(), tokens("other")
    await AccessTokens(worker_db, other, refresh_token="r").access_token(refresh_other)
    async with worker_db.as_tenant(other) as session:
        copied = text("update access_token set sealed_token = :sealed")
        await session.execute(copied, {"sealed": bytes(stored.sealed_token)})
    assert await AccessTokens(worker_db, other, refresh_token="r").access_token(refresh_other) == given[-1] == "other-2"
