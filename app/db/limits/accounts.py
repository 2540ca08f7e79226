"""Which tenants are accounts of a shared instance, told to the database: the claim and the view `hold` read it there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from app.db.session import Database
from app.db.sql import load

_LIST: Final = load(__package__, "accounts")
_KEEP: Final = load(__package__, "keep_account")
_DROP: Final = load(__package__, "drop_account")


async def keep_accounts(database: Database, wanted: Mapping[UUID, UUID]) -> None:
    """Let the table say what *wanted* says: tenant, and the instance that it is an account of."""
    async with database.transaction(None) as tx:
        kept = {row["tenant_id"]: row["instance_id"] for row in await tx.rows(_LIST)}
    for tenant_id in wanted.keys() | kept.keys():
        instance_id = wanted.get(tenant_id)
        if instance_id == kept.get(tenant_id):
            continue
        async with database.transaction(tenant_id) as tx:
            await tx.run(_DROP if instance_id is None else _KEEP, tenant_id=tenant_id, instance_id=instance_id)
