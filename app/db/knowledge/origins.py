"""Of which account of a shared instance a tenant's rows are.

Invariant: under one tenant's id nothing is stored of two accounts. What is stored names no account; so if a tenant's
file names another one, it would be cited to another client.
"""

from __future__ import annotations

from typing import Final

from app.core.help_desk import Account
from app.core.tenant import Tenant
from app.db.session import Database
from app.db.sql import load
from app.errors import TenantFileInvalid

_FIELD: Final = "servicedesk.account"
_BEGIN: Final = load(__package__, "begin_origin")
_READ: Final = load(__package__, "origin")
_COMPLETE: Final = load(__package__, "complete_origin")


async def keep_origin(database: Database, tenant: Tenant) -> None:
    """Remember the account that *tenant* is, at its first use; nothing for a tenant with a help desk of its own.

    Raises:
        TenantFileInvalid: What is stored of this tenant is of another account.
    """
    account, instance_id = tenant.servicedesk.account, tenant.servicedesk.instance_id
    if account is None or instance_id is None:
        return
    own = {
        "tenant_id": tenant.id,
        "instance_id": instance_id,
        "account_id": account.id,
        "account_name": account.name,
    }
    async with database.transaction(tenant.id) as tx:
        await tx.run(_BEGIN, **own)
        [stored] = await tx.rows(_READ, tenant_id=tenant.id)
        first = Account(id=stored["account_id"], name=stored["account_name"])
        if stored["instance_id"] != instance_id or not account.is_same(first):
            raise TenantFileInvalid(
                f"{_FIELD}: what is stored under this tenant's id is of another account ({first.label}); so that no"
                " client reads of another, give the tenant a new id, or put the account back",
                field=_FIELD,
            )
        if account.id is not None and first.id is None:
            await tx.run(_COMPLETE, **own)
