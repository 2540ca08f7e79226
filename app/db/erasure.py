"""The end of what the database holds of one tenant.

Invariant: the tables are read from the catalog, so that none is forgotten, and each is counted again at the end. Only
the owner of the tables may do this, and row-level security lets it touch the tenant's rows alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.db.connection import CONNECT_TIMEOUT, driver_dsn, is_passing, unavailable
from app.db.limits.holds import EVERY_TENANT
from app.errors import Rejected

_BATCH: Final = 10_000
_POLL_S: Final = 0.5

_TABLES: Final = """
select c.relname from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by c.relname
"""
_PAUSE: Final = """
insert into gate (tenant_id, cause, closed_until, closed_by, reason)
values ($1, 'paused', 'infinity', 'erase', 'the tenant is being erased')
on conflict (tenant_id, cause) do update set closed_until = excluded.closed_until, closed_by = excluded.closed_by,
    reason = excluded.reason
"""
_IS_OWNER: Final = "select pg_has_role(relowner, 'USAGE') from pg_class where oid = to_regclass('public.delivery')"
# Of no tenant, as the tenant's own record goes: that it was erased is to be shown for as long as acts are kept.
_RECORD: Final = "insert into audit (tenant_id, actor, act, number, detail) values ($1, $2, 'erase', $3, $4)"
_IN_WORK: Final = "select count(*) from due where tenant_id = $1 and is_leased and due_at > now()"


@dataclass(frozen=True, slots=True)
class Erased:
    """Rows by table; tables without any are left out."""

    erased: dict[str, int]
    left: dict[str, int]
    """Counted at the end: what came in meanwhile."""


async def erase_rows(url: str, tenant_id: UUID, *, actor: str, patience: timedelta = timedelta(minutes=4)) -> Erased:
    """Delete every row of *tenant_id*, in batches, and write down who did, with the tenant's id and no more of it.

    Its deliveries are held back first, and what workers do for it may end.

    Args:
        url: The owner's.
        tenant_id: Whose.
        actor: Who erases, for the record.
        patience: How long work that runs may take to end.

    Raises:
        Rejected: *tenant_id* is no tenant's, *url* is not the owner's, or workers still held deliveries after
            *patience*; nothing was deleted.
        DatabaseUnavailable: PostgreSQL went away; run it again.
    """
    if tenant_id == EVERY_TENANT:
        raise Rejected(f"{tenant_id} is no tenant's id: under it stands what was done to all, and that stays")
    connection = await _connect(url)
    try:
        await _check_owner(connection)
        # The pause is deleted last: until then nothing of the tenant is claimed.
        names = [row["relname"] for row in await connection.fetch(_TABLES)]
        names.sort(key=lambda name: name == "gate")
        async with _as_tenant(connection, tenant_id):
            await connection.execute(_PAUSE, tenant_id)
        await _wait_for_workers(connection, tenant_id, patience)
        before = await _count(connection, tenant_id, names)
        for name in names:
            await _delete(connection, name, tenant_id)
        left = await _count(connection, tenant_id, names)
        before["gate"] -= 1  # the pause was ours
        async with _as_tenant(connection, EVERY_TENANT):
            await connection.execute(_RECORD, EVERY_TENANT, actor, sum(before.values()), f"tenant {tenant_id}")
        for name in names:
            # Dead rows and the statistics' samples of values go too.
            await connection.execute(f"vacuum (analyze) {_quoted(name)}")
    except Exception as error:
        if is_passing(error):
            raise unavailable(error) from error
        raise
    finally:
        await connection.close()
    return Erased({name: n for name, n in before.items() if n}, {name: n for name, n in left.items() if n})


async def _connect(url: str) -> asyncpg.Connection[Any]:
    try:
        return await asyncpg.connect(
            driver_dsn(url),
            timeout=CONNECT_TIMEOUT.total_seconds(),
            server_settings={"application_name": "ai-agents erase"},
        )
    except Exception as error:
        if is_passing(error):
            raise unavailable(error) from error
        raise


async def _check_owner(connection: asyncpg.Connection[Any]) -> None:
    if not await connection.fetchval(_IS_OWNER):
        raise Rejected("MIGRATION_DATABASE_URL: is not the owner's of the tables; nobody else may erase")


@asynccontextmanager
async def _as_tenant(connection: asyncpg.Connection[Any], tenant_id: UUID) -> AsyncIterator[None]:
    async with connection.transaction():
        await connection.execute("select set_config('app.tenant_id', $1, true)", str(tenant_id))
        yield


async def _wait_for_workers(connection: asyncpg.Connection[Any], tenant_id: UUID, patience: timedelta) -> None:
    deadline = asyncio.get_running_loop().time() + patience.total_seconds()
    while await connection.fetchval(_IN_WORK, tenant_id):
        if asyncio.get_running_loop().time() > deadline:
            raise Rejected(
                f"workers still hold deliveries of this tenant after {patience.total_seconds():.0f} s; it stays paused: "
                "look at the workers' logs, then run this again"
            )
        await asyncio.sleep(_POLL_S)


async def _count(connection: asyncpg.Connection[Any], tenant_id: UUID, names: list[str]) -> dict[str, int]:
    async with _as_tenant(connection, tenant_id):
        return {
            name: await connection.fetchval(f"select count(*) from {_quoted(name)} where tenant_id = $1", tenant_id)
            for name in names
        }


async def _delete(connection: asyncpg.Connection[Any], name: str, tenant_id: UUID) -> None:
    table = _quoted(name)
    batch = f"delete from {table} where ctid = any(array(select ctid from {table} where tenant_id = $1 limit {_BATCH}))"
    while True:
        async with _as_tenant(connection, tenant_id):
            if await connection.execute(batch, tenant_id) == "DELETE 0":
                return


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
