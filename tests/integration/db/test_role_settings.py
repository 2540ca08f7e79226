"""A role may set what it likes for its own later sessions (`alter role … set`); the product works all the same."""

from __future__ import annotations

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
    connection = await asyncpg.connect(url)
    allowed: dict[str, list[str]] = {}
    try:
        for row in await connection.fetch(_SETTINGS):
            for value in _values(row):
                with suppress(asyncpg.PostgresError):
                    async with connection.transaction():
                        await connection.execute(f"alter role current_user set {row['name']} = '{value}'")
                        allowed.setdefault(row["name"], []).append(value)
                        raise _NotKept
    finally:
        await connection.close()
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


@pytest.mark.parametrize("role", ["worker", "intake"])
async def test_no_setting_that_a_role_may_keep_stops_the_product(urls: DatabaseUrls, role: str) -> None:
    allowed = await _find_allowed(getattr(urls, role))
    assert {"search_path", "default_transaction_read_only", "statement_timeout"} <= allowed.keys()
    superuser = await asyncpg.connect(urls.superuser)
    try:
        # All settings at once, each at the first of its values, then each at the second, and so on.
        for number in range(max(map(len, allowed.values()))):
            for name, values in allowed.items():
                await superuser.execute(f"alter role ai_agents_{role} set {name} = '{values[number % len(values)]}'")
            await _use(urls)
    finally:
        await superuser.execute(f"alter role ai_agents_{role} reset all")
        await superuser.close()


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
async def test_none_of_these_stops_it(urls: DatabaseUrls, name: str, value: str) -> None:
    superuser = await asyncpg.connect(urls.superuser)
    try:
        for role in ("worker", "intake"):
            await superuser.execute(f"alter role ai_agents_{role} set {name} = '{value}'")
        await _use(urls)
    finally:
        for role in ("worker", "intake"):
            await superuser.execute(f"alter role ai_agents_{role} reset all")
        await superuser.close()


async def test_a_setting_of_the_workers_role_stops_kedas_query(urls: DatabaseUrls) -> None:
    """And none of the intake role. KEDA logs in as the worker's by a driver of its own, which undoes nothing."""
    (scaled,) = of_kind(render(WORKLOAD), "ScaledObject")
    (query,) = (each["metadata"]["query"] for each in scaled["spec"]["triggers"] if each["type"] == "postgresql")
    superuser = await asyncpg.connect(urls.superuser)

    async def ask() -> int:
        async with connected(urls.worker) as connection:
            return int(await connection.fetchval(query))

    try:
        await superuser.execute("alter role ai_agents_intake set row_security = off")
        assert await ask() == 0
        await superuser.execute("alter role ai_agents_worker set row_security = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask()
        with pytest.raises(MissingRole, match="alter role ai_agents_worker reset row_security"):
            await migrate(urls.owner, tell=lambda _: None)  # as each release does
    finally:
        for role in ("worker", "intake"):
            await superuser.execute(f"alter role ai_agents_{role} reset all")
        await superuser.close()


async def test_what_is_set_for_the_database_holds(urls: DatabaseUrls) -> None:
    """A provider makes a database read-only when its disk is full."""
    superuser = await asyncpg.connect(urls.superuser)
    database = await superuser.fetchval("select current_database()")
    try:
        await superuser.execute(f'alter database "{database}" set default_transaction_read_only = on')
        with pytest.raises(DatabaseUnavailable):
            await _use(urls)
    finally:
        await superuser.execute("set default_transaction_read_only = off")
        await superuser.execute(f'alter database "{database}" reset default_transaction_read_only')
        await superuser.close()
