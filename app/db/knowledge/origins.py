"""Of which account of a shared instance a tenant's rows are.

Invariant: under one tenant's id nothing is stored of two accounts. What is stored names no account; so if a tenant's
file names another one, it would be cited to another client.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app.core.help_desk import Account
from app.core.tenant import Tenant
from app.db.tables import OriginRow
from app.errors import TenantFileInvalid

_FIELD: Final = "servicedesk.account"


async def keep_origin(session: AsyncSession, tenant: Tenant) -> None:
    """Remember the account that *tenant* is, at its first use; nothing for a tenant with a help desk of its own.

    Args:
        session: A transaction of the tenant.
        tenant: As its file describes it now.

    Raises:
        TenantFileInvalid: What is stored of this tenant is of another account.
    """
    account, instance_id = tenant.servicedesk.account, tenant.servicedesk.instance_id
    if account is None or instance_id is None:
        return
    values = {"instance_id": instance_id, "account_id": account.id, "account_name": account.name}
    await session.execute(insert(OriginRow).values(tenant_id=tenant.id, **values).on_conflict_do_nothing())
    is_own = col(OriginRow.tenant_id) == tenant.id
    stored = (await session.scalars(select(OriginRow).where(is_own).with_for_update())).one()
    first = Account(id=stored.account_id, name=stored.account_name)
    if stored.instance_id != instance_id or not account.is_same(first):
        raise TenantFileInvalid(
            f"{_FIELD}: what is stored under this tenant's id is of another account ({first.label}); so that no client"
            " reads of another, give the tenant a new id, or put the account back",
            field=_FIELD,
        )
    if account.id is not None and first.id is None:
        await session.execute(update(OriginRow).where(is_own).values(values))
