"""Rows of a shared instance that no tenant owns: of accounts without a tenant's file, or without any account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from app.db.session import Database
from app.db.sql import load

KINDS: Final = ("tickets", "articles", "assets")

_KEEP: Final = load(__package__, "keep_stray")
_FORGET: Final = load(__package__, "forget_strays")
_LIST: Final = load(__package__, "list_strays")


class Stray(NamedTuple):
    """A kind of rows of one account."""

    kind: str
    """One of `KINDS`."""
    account: str
    """The account's label; empty: the rows name none."""


async def keep_strays(database: Database, instance_id: UUID, strays: Mapping[Stray, int]) -> None:
    """Keep what a sync of the instance met, and forget what none met for a day."""
    async with database.transaction(instance_id) as tx:
        await tx.run(_FORGET, tenant_id=instance_id)
        for stray, count in strays.items():
            await tx.run(_KEEP, tenant_id=instance_id, kind=stray.kind, account=stray.account, rows=count)


async def list_strays(database: Database, instance_id: UUID) -> dict[Stray, int]:
    """What the syncs of the last day met, by account and kind."""
    async with database.transaction(instance_id) as tx:
        rows = await tx.rows(_LIST, tenant_id=instance_id)
    return {Stray(row["kind"], row["account"]): row["rows"] for row in rows}
