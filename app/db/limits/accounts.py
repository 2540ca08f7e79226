"""Which tenants are accounts of a shared instance, told to the database: the claim and the view `hold` read it there."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from app.db.session import Database
from app.db.tables import AccountRow


async def keep_accounts(database: Database, wanted: Mapping[UUID, UUID]) -> None:
    """Let the table say what *wanted* says: tenant, and the instance that it is an account of."""
    async with database.across_tenants() as session:
        rows = (await session.execute(select(AccountRow.tenant_id, AccountRow.instance_id))).all()
    kept = {row.tenant_id: row.instance_id for row in rows}
    for tenant_id in wanted.keys() | kept.keys():
        instance_id = wanted.get(tenant_id)
        if instance_id == kept.get(tenant_id):
            continue
        async with database.as_tenant(tenant_id) as session:
            if instance_id is None:
                await session.execute(delete(AccountRow).where(col(AccountRow.tenant_id) == tenant_id))
            else:
                row = insert(AccountRow).values(tenant_id=tenant_id, instance_id=instance_id)
                changed = row.on_conflict_do_update(index_elements=["tenant_id"], set_={"instance_id": instance_id})
                await session.execute(changed)
