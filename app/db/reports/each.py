"""The same reading for several tenants, in one transaction; what one tenant's rows hold costs that tenant alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database, choose_tenant, is_fault_of_schema
from app.errors import DatabaseUnavailable

_Found = TypeVar("_Found")
Read = Callable[[AsyncSession, UUID], Awaitable[_Found]]

log: Final = structlog.get_logger(__name__)


async def read_each(database: Database, tenant_ids: Sequence[UUID], read: Read[_Found]) -> list[_Found]:
    """What *read* returns for each tenant, in their order. One whose rows can't be read is logged and left out."""
    try:
        async with database.across_tenants() as session:
            return [await _read_one(session, tenant_id, read) for tenant_id in tenant_ids]
    except DatabaseUnavailable:
        raise
    except Exception as error:
        if is_fault_of_schema(error):
            raise
    found = []
    for tenant_id in tenant_ids:
        try:
            async with database.across_tenants() as session:
                found.append(await _read_one(session, tenant_id, read))
        except DatabaseUnavailable:
            raise
        except Exception as error:  # whatever a row holds, the other tenants are read
            log.error("tenant_not_read", tenant_id=str(tenant_id), exc_info=error)
    return found


async def _read_one(session: AsyncSession, tenant_id: UUID, read: Read[_Found]) -> _Found:
    await choose_tenant(session, tenant_id)
    return await read(session, tenant_id)
