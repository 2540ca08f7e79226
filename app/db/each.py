"""The same question about several tenants, in one statement: PostgreSQL itself goes from one tenant to the next.

    select tenant.id, own.*
    from (select set_config('app.tenant_id', id, true) as id from unnest(:tenant_ids) id) tenant
    cross join lateral (what is asked of one tenant) own

For each tenant it sets whose rows are shown, then reads; a thousand round trips less than a statement for each.

Invariant: a row is read only while its own tenant is set, so row-level security holds as everywhere. `offset 0` keeps
what is asked of one tenant a whole, which can only be executed anew for each. Each table in it is bound to `:tenant_id`:
PostgreSQL would read one that is not once, for the first tenant, and take that for the others'.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog

from app.db.session import Database, Row, is_fault_of_schema
from app.db.sql import Statement, load, numbered, read_script
from app.errors import DatabaseUnavailable

_Found = TypeVar("_Found")

_TENANT_ID: Final = re.compile(r":tenant_id\b")
# To compile a statement that runs once takes longer than it would save.
_NO_JIT: Final = load(__package__, "no_jit")

log: Final = structlog.get_logger(__name__)


def of_each(sql: str, tenants: str = "unnest(cast(:tenant_ids as uuid[])) id") -> str:
    """What *sql* finds of each tenant, as a table whose first column is `tenant_id`; in the order of *tenants*."""
    return (
        f"(select tenant.id as tenant_id, own.* from"
        f" (select set_config('app.tenant_id', id::text, true)::uuid as id from {tenants}) tenant"
        f" cross join lateral (select * from ({_TENANT_ID.sub('tenant.id', sql)}) one offset 0) own)"
    )


def load_each(package: str, name: str, *, of_all: str = "select * from {each} found", **parts: str) -> Statement:
    """The statement of `<name>.sql`, which asks about `:tenant_id`, for each of `:tenant_ids`.

    *of_all* asks something of all rows together, as those of the table `{each}`.
    """
    return numbered(of_all.replace("{each}", of_each(read_script(package, name, **parts))))


def load_newest(package: str, name: str, *, by: Sequence[str], **parts: str) -> Statement:
    """The same for the newest `:limit` rows of all tenants together, by these columns.

    None of a tenant's rows is among them unless its newest one is. So the newest one of each is read first, and more of
    those tenants alone whose newest are the newest.
    """
    own, newest = read_script(package, name, **parts), ", ".join(f"{column} desc" for column in by)
    first = (
        f"(select tenant_id as id from {of_each(own.replace(':limit', '1'))} one order by {newest} limit :limit) first"
    )
    return numbered(f"select * from {of_each(own, first)} found order by {newest} limit :limit")


async def ask_each(
    database: Database,
    tenant_ids: Sequence[UUID],
    statement: Statement,
    read: Callable[[Row], _Found],
    **values: Any,
) -> list[_Found]:
    """What *read* makes of each row. A tenant whose rows can't be read is logged and left out."""

    async def ask(ids: Sequence[UUID]) -> list[_Found]:
        async with database.transaction(None, reads_all_times=True) as tx:
            await tx.run(_NO_JIT)
            return [read(row) for row in await tx.rows(statement, tenant_ids=ids, **values)]

    return await _halving(tenant_ids, ask)


async def _halving(
    tenant_ids: Sequence[UUID], ask: Callable[[Sequence[UUID]], Awaitable[list[_Found]]]
) -> list[_Found]:
    """What *ask* returns for all; where that fails, for either half, until the tenant that is at fault is alone."""
    try:
        return await ask(tenant_ids)
    except DatabaseUnavailable:
        raise
    except Exception as error:
        if is_fault_of_schema(error):
            raise
        if len(tenant_ids) <= 1:
            log.error("tenant_not_read", tenant_id=str(*tenant_ids), exc_info=error)
            return []
    half = len(tenant_ids) // 2
    return [*await _halving(tenant_ids[:half], ask), *await _halving(tenant_ids[half:], ask)]
