"""Rows of a shared instance that no tenant owns: of accounts without a tenant's file, or without any account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from app.db.session import Database
from app.db.tables import StrayRow

KINDS: Final = ("tickets", "articles", "assets")


class Stray(NamedTuple):
    """A kind of rows of one account."""

    kind: str
    """One of `KINDS`."""
    account: str
    """The account's label; empty: the rows name none."""


async def keep_strays(database: Database, instance_id: UUID, strays: Mapping[Stray, int]) -> None:
    """Keep what a sync of the instance met, and forget what none met for a day."""
    rows = [
        {"tenant_id": instance_id, "kind": stray.kind, "account": stray.account, "rows": count}
        for stray, count in strays.items()
    ]
    async with database.as_tenant(instance_id) as session:
        is_old = col(StrayRow.seen_at) < func.now() - timedelta(days=1)
        await session.execute(delete(StrayRow).where(col(StrayRow.tenant_id) == instance_id, is_old))
        if rows:
            met = insert(StrayRow)
            latest = {"rows": met.excluded.rows, "seen_at": func.now()}
            key = ["tenant_id", "kind", "account"]
            await session.execute(met.on_conflict_do_update(index_elements=key, set_=latest), rows)


async def list_strays(database: Database, instance_id: UUID) -> dict[Stray, int]:
    """What the syncs of the last day met, by account and kind."""
    found = select(StrayRow.kind, StrayRow.account, StrayRow.rows).where(StrayRow.tenant_id == instance_id)
    async with database.as_tenant(instance_id) as session:
        rows = (await session.execute(found.order_by(StrayRow.account, StrayRow.kind))).all()
    return {Stray(row.kind, row.account): row.rows for row in rows}
