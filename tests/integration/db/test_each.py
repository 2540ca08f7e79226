"""One statement about several tenants tells of each what a statement about it alone tells, and of no other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.db import each
from app.db.session import Database, Row
from app.db.sql import numbered
from demo.embedded import DatabaseUrls
from tests.integration.database_rows import fill_every_table
from tests.integration.db.explain import nodes, verbose_plan_of
from tests.integration.db.statements_of_each import find_statements

TENANTS = [uuid4() for _ in range(6)]
NOW = datetime.now(UTC)
VALUES: dict[str, Any] = {
    "status": "done",
    "ticket_id": "1",
    "since": NOW - timedelta(days=20),
    "until": NOW + timedelta(days=20),
    "after": NOW + timedelta(days=20),
    "after_id": UUID(int=0),
    "code": "ticket_closed",
    "searched": 50,
    "limit": 50,
    "at_most": 50,
    "votes": 50,
    "notes": 50,
    "minutes": 60,
    "hours": 24,
    "known": None,
    "kind": "tickets",
}


STATEMENTS = dict(find_statements())


@pytest.fixture(scope="module")
async def filled(superuser: asyncpg.Connection) -> None:
    """Each table has a row of each tenant."""
    for one, other in zip(TENANTS[::2], TENANTS[1::2], strict=True):
        await fill_every_table(superuser, one, other)
    for tenant_id in TENANTS:
        await superuser.execute(
            "update delivery set status = 'done', code = 'ticket_closed', ticket_id = '1', accepted_at = $2 where tenant_id = $1",
            tenant_id,
            NOW - timedelta(seconds=TENANTS.index(tenant_id)),
        )


def test_they_are_found() -> None:
    assert len(STATEMENTS) > 15


@pytest.mark.parametrize("name", STATEMENTS)
async def test_of_all_at_once_it_tells_what_it_tells_of_each_alone(
    worker_db: Database, filled: None, name: str
) -> None:
    statement = STATEMENTS[name]
    values = {each: VALUES[each] for each in statement.names if each != "tenant_ids"}

    async def ask(tenant_ids: Sequence[UUID]) -> list[dict[str, Any]]:
        return [dict(row) for row in await each.ask_each(worker_db, tenant_ids, statement, dict, **values)]

    of_all, of_each = await ask(TENANTS), [row for tenant_id in TENANTS for row in await ask([tenant_id])]
    assert sorted(map(str, _added_up(of_all))) == sorted(map(str, _added_up(of_each)))


def _added_up(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of no tenant are sums over all."""
    of_none: dict[Any, dict[str, Any]] = {}
    for row in rows:
        if row["tenant_id"] is None:
            so_far = of_none.setdefault(row["day"], {})
            for key, value in row.items():
                so_far[key] = so_far.get(key, 0) + value if isinstance(value, int | Decimal) else value
    return [*(row for row in rows if row["tenant_id"] is not None), *of_none.values()]


@pytest.mark.parametrize("name", STATEMENTS)
async def test_each_table_is_read_anew_for_each_tenant_after_that_is_set(urls: DatabaseUrls, name: str) -> None:
    """As the plan says: what sets a tenant is what a nested loop goes through, and each scan in it names the tenant."""
    plan = await verbose_plan_of(urls.worker, STATEMENTS[name])
    scans = [node for node in nodes(plan) if "Relation Name" in node]
    assert scans
    for scan in scans:
        bound = " ".join(str(scan.get(key, "")) for key in ("Index Cond", "Recheck Cond", "Filter"))
        assert "tenant.id" in bound or "set_config(" in bound, scan
    for node in nodes(plan):
        for child in node.get("Plans", ()):
            # Computed there; in two brackets it comes from below.
            if any(column.startswith("(set_config(") for column in child.get("Output", ())):
                assert node["Node Type"] in {"Nested Loop", "Subquery Scan"}, node["Node Type"]


async def test_what_is_not_of_the_tenant_that_is_set_is_not_shown(worker_db: Database, filled: None) -> None:
    """Row-level security holds in it, whatever it asks for."""
    others = numbered(
        f"select * from {each.of_each('select tenant_id as owner from delivery where tenant_id <> :tenant_id')} found"
    )
    assert await each.ask_each(worker_db, TENANTS, others, dict) == []
    whose = numbered(
        f"select * from {each.of_each('select tenant_id as owner from delivery where :tenant_id is not null')} found"
    )
    found = await each.ask_each(worker_db, TENANTS, whose, dict)
    assert [row["owner"] for row in found] == [row["tenant_id"] for row in found]


async def test_a_tenant_that_cannot_be_read_is_found_in_few_statements_and_left_out(
    worker_db: Database, filled: None
) -> None:
    tenants = [uuid4() for _ in range(500)]
    asked = 0

    def read(row: Row) -> UUID:
        nonlocal asked
        asked += row["tenant_id"] == bad
        if row["tenant_id"] == bad:
            raise ValueError("not digested")
        return UUID(str(row["tenant_id"]))

    bad = tenants[321]
    one = numbered(f"select * from {each.of_each('select 1 as one')} found")
    assert await each.ask_each(worker_db, tenants, one, read) == [t for t in tenants if t != bad]
    assert asked < 12
