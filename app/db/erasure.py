"""The end of what the database holds of one tenant.

Invariant: the tables are read from the catalog, so that none is forgotten, not even one that a newer release made
before a rollback; and each is counted again at the end. Only the owner of the tables may do this, and row-level security
lets it touch the tenant's rows alone.
"""

from __future__ import annotations

import asyncio
import warnings
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import DDL, Connection, CursorResult, MetaData, Table, delete, func, literal, select, tuple_
from sqlalchemy.exc import SAWarning
from sqlmodel import col

from app.core.tenant import EVERY_TENANT
from app.db.connection import unavailable
from app.db.limits.pauses import pause
from app.db.reports.acts import record_act
from app.db.session import Database, open_database
from app.db.sqlalchemy_sessions import create_owner_engine, is_passing, load_text
from app.db.tables import Due
from app.errors import Rejected

_POLL_S: Final = 0.5
_NAME: Final = "ai-agents erase"

_OWNS_TABLES: Final = load_text(__package__, "owns_tables")
_VACUUM: Final = DDL("vacuum (analyze) %(fullname)s")  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Erased:
    """Rows by table; tables without any are left out."""

    erased: dict[str, int]
    left: dict[str, int]
    """Counted at the end: what came in meanwhile."""


async def erase_rows(
    url: str, tenant_id: UUID, *, actor: str, patience: timedelta = timedelta(minutes=4), batch: int = 10_000
) -> Erased:
    """Delete every row of *tenant_id*, in batches, and write down who did, with the tenant's id and no more of it.

    Its deliveries are held back first, and what workers do for it may end.

    *url* is the owner's. *patience* is for work that runs to end; *batch* rows of a transaction take a second at most.

    Raises:
        Rejected: *tenant_id* is no tenant's, *url* is not the owner's, or workers still held deliveries after
            *patience*; nothing was deleted.
        DatabaseUnavailable: PostgreSQL went away; run it again.
    """
    if tenant_id == EVERY_TENANT:
        raise Rejected(f"{tenant_id} is no tenant's id: under it stands what was done to all, and that stays")
    async with open_database(url, pool_size=1, name=_NAME) as database:
        tables = await _find_tables(database, tenant_id)
        await pause(database, tenant_id, by="erase", reason="the tenant is being erased")
        await _wait_for_workers(database, tenant_id, patience)
        erased = {table.name: await _delete(database, table, tenant_id, batch) for table in tables}
        erased["gate"] -= 1  # the pause was ours
        left = {table.name: await _count(database, table, tenant_id) for table in tables}
        # Of no tenant, as the tenant's own record goes: that it was erased is to be shown for as long as acts are kept.
        await record_act(
            database,
            EVERY_TENANT,
            actor=actor,
            act="erase",
            detail=f"tenant {tenant_id}",
            number=sum(erased.values()),
        )
    await _vacuum(url, tables)
    return Erased({name: n for name, n in erased.items() if n}, {name: n for name, n in left.items() if n})


async def _find_tables(database: Database, tenant_id: UUID) -> list[Table]:
    """All that hold rows of tenants, in the order in which they are emptied."""
    async with database.as_tenant(tenant_id) as session:
        if not (await session.execute(_OWNS_TABLES)).scalar():
            raise Rejected("MIGRATION_DATABASE_URL: is not the owner's of the tables; nobody else may erase")
        connection = await session.connection()
        return await connection.run_sync(_read_catalog)


def _read_catalog(connection: Connection) -> list[Table]:
    catalog = MetaData()
    with warnings.catch_warnings():
        # SQLAlchemy 2.1 does not know what it reflects itself of a check that is not validated.
        warnings.simplefilter("ignore", SAWarning)
        catalog.reflect(connection)
    # What refers to another table comes before it, so that no row is deleted by a cascade, which counts none.
    tables = [table for table in reversed(catalog.sorted_tables) if "tenant_id" in table.c]
    # The pause is deleted last: until then nothing of the tenant is claimed.
    return sorted(tables, key=lambda table: table.name == "gate")


async def _wait_for_workers(database: Database, tenant_id: UUID, patience: timedelta) -> None:
    deadline = asyncio.get_running_loop().time() + patience.total_seconds()
    while await _is_in_work(database, tenant_id):
        if asyncio.get_running_loop().time() > deadline:
            raise Rejected(
                f"workers still hold deliveries of this tenant after {patience.total_seconds():.0f} s; it stays paused: "
                "look at the workers' logs, then run this again"
            )
        await asyncio.sleep(_POLL_S)


async def _is_in_work(database: Database, tenant_id: UUID) -> bool:
    leased = select(Due).where(col(Due.tenant_id) == tenant_id, col(Due.is_leased), col(Due.due_at) > func.now())
    async with database.as_tenant(tenant_id) as session:
        return (await session.execute(leased.limit(1))).first() is not None


async def _count(database: Database, table: Table, tenant_id: UUID) -> int:
    async with database.as_tenant(tenant_id) as session:
        own = select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id)
        return int((await session.execute(own)).scalar_one())


async def _delete(database: Database, table: Table, tenant_id: UUID, batch: int) -> int:
    """How many rows there were. From key to key: rows that are gone are not read again, however many there were."""
    key = tuple_(*table.primary_key)
    own = [table.c.tenant_id == tenant_id]
    number = 0
    while True:
        async with database.as_tenant(tenant_id) as session:
            keys = select(*table.primary_key).where(*own).order_by(*table.primary_key)
            last = (await session.execute(keys.offset(batch - 1).limit(1))).one_or_none()
            if last is None:
                return number + cast("CursorResult[Any]", await session.execute(delete(table).where(*own))).rowcount
            end = tuple_(*(literal(value, column.type) for value, column in zip(last, table.primary_key, strict=True)))
            gone = cast("CursorResult[Any]", await session.execute(delete(table).where(*own, key <= end)))
            number += gone.rowcount
            own = [table.c.tenant_id == tenant_id, key > end]


async def _vacuum(url: str, tables: list[Table]) -> None:
    """Dead rows and the statistics' samples of values go too. It takes as long as the tables are large."""
    engine = create_owner_engine(url, name=_NAME)
    try:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in tables:
                await connection.execute(_VACUUM.against(table))
    except Exception as error:
        if is_passing(error):
            raise unavailable(error) from error
        raise
    finally:
        await engine.dispose()
