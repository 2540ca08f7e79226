"""A role may set what it likes for its own later sessions (`alter role … set`); the product works all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import uuid4

import asyncpg
import pytest

from app.db.ledger.claims import Ledger
from app.db.ledger.intake import AcceptedDelivery, open_intake
from app.db.migrate import MissingRole, migrate
from app.db.reports.deliveries import list_deliveries
from app.db.session import open_database
from app.errors import DatabaseUnavailable
from demo.embedded import DatabaseUrls
from tests.builders import an_outcome
from tests.connections import connected
from tests.manifests.rendering import WORKLOAD, of_kind, render

_SETTINGS: Final = """
select name, vartype, min_val, max_val, enumvals, setting from pg_settings
where context in ('user', 'backend') and name not in ('role', 'session_authorization') order by name
"""
_ROLES: Final = ("worker", "intake")
_WORDS: Final = ("", "pg_temp", "no-such-value", "1", "0")


def _values(row: asyncpg.Record) -> list[str]:
    """Values at the ends of what the setting may be."""
    if row["vartype"] == "bool":
        return ["on", "off"]
    if row["vartype"] == "enum":
        return list(row["enumvals"])
    if row["vartype"] == "string":
        return list(_WORDS)
    return list(dict.fromkeys((row["min_val"], "1", row["max_val"])))


async def _find_allowed(url: str) -> dict[str, list[str]]:
    """The settings, with values, that the role of *url* may keep for its later sessions."""
    allowed: dict[str, list[str]] = {}
    async with connected(url) as connection:
        for row in await connection.fetch(_SETTINGS):
            for value in _values(row):
                with suppress(asyncpg.PostgresError):
                    async with connection.transaction():
                        await connection.execute(f"alter role current_user set {row['name']} = '{value}'")
                        allowed.setdefault(row["name"], []).append(value)
                        raise _NotKept
    return allowed


class _NotKept(asyncpg.PostgresError):  # type: ignore[misc]  # the driver has no types
    """Rolls a transaction back."""


async def _use(urls: DatabaseUrls) -> None:
    """One delivery from the webhook to its end, on new connections."""
    tenant, job = uuid4(), uuid4()
    async with open_intake(urls.intake) as intake, open_database(urls.worker) as database:
        assert (await intake.state()).schema
        await intake.accept(AcceptedDelivery(tenant, job, "1", "ticket_created", b"{}", None))
        ledger = Ledger(database, lease=timedelta(seconds=30), max_attempts=3)
        claim = await ledger.claim_next()
        assert claim is not None
        assert claim.job_id == job
        await ledger.extend(claim)
        await ledger.conclude(claim, an_outcome())
        (listed,) = await list_deliveries(database, tenant)
        assert listed.job_id == job


@pytest.fixture
async def superuser(urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    """Takes back what a test set for the roles."""
    async with connected(urls.superuser) as connection:
        yield connection
        for role in _ROLES:
            await connection.execute(f"alter role ai_agents_{role} reset all")


@pytest.mark.parametrize("role", _ROLES)
async def test_no_setting_that_a_role_may_keep_stops_the_product(
    urls: DatabaseUrls, superuser: asyncpg.Connection, role: str
) -> None:
    allowed = await _find_allowed(getattr(urls, role))
    assert {"search_path", "default_transaction_read_only", "statement_timeout"} <= allowed.keys()
    # All settings at once, each at the first of its values, then each at the second, and so on.
    for number in range(max(map(len, allowed.values()))):
        for name, values in allowed.items():
            await superuser.execute(f"alter role ai_agents_{role} set {name} = '{values[number % len(values)]}'")
        await _use(urls)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("search_path", "pg_temp"),
        ("default_transaction_read_only", "on"),
        ("statement_timeout", "1"),
        ("transaction_timeout", "1"),
        ("idle_session_timeout", "1"),
        ("row_security", "off"),
        ("local_preload_libraries", "no-such-library"),
        ("restrict_nonsystem_relation_kind", "view"),
    ],
)
async def test_none_of_these_stops_it(urls: DatabaseUrls, superuser: asyncpg.Connection, name: str, value: str) -> None:
    for role in _ROLES:
        await superuser.execute(f"alter role ai_agents_{role} set {name} = '{value}'")
    await _use(urls)


async def test_a_setting_of_the_workers_role_stops_kedas_query(
    urls: DatabaseUrls, superuser: asyncpg.Connection
) -> None:
    """And none of the intake role. KEDA logs in as the worker's by a driver of its own, which undoes nothing."""
    (scaled,) = of_kind(render(WORKLOAD), "ScaledObject")
    (query,) = (each["metadata"]["query"] for each in scaled["spec"]["triggers"] if each["type"] == "postgresql")

    async def ask() -> int:
        async with connected(urls.worker) as connection:
            return int(await connection.fetchval(query))

    await superuser.execute("alter role ai_agents_intake set row_security = off")
    assert await ask() == 0
    await superuser.execute("alter role ai_agents_worker set row_security = off")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask()
    with pytest.raises(MissingRole, match="alter role ai_agents_worker reset row_security"):
        await migrate(urls.owner, tell=lambda _: None)  # as each release does


async def test_what_is_set_for_the_database_holds(urls: DatabaseUrls, superuser: asyncpg.Connection) -> None:
    """A provider makes a database read-only when its disk is full."""
    database = await superuser.fetchval("select current_database()")
    await superuser.execute(f'alter database "{database}" set default_transaction_read_only = on')
    try:
        with pytest.raises(DatabaseUnavailable):
            await _use(urls)
    finally:
        await superuser.execute(f'alter database "{database}" reset default_transaction_read_only')
