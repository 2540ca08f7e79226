"""Erases a tenant: its rows in PostgreSQL and its messages in Redis."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.db.erasure import erase_rows
from app.queue import erase_rings


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What was erased (rows by table, messages), and the rows that a count afterwards still found."""

    erased: dict[str, int]
    rings: int
    left: dict[str, int]


async def erase_tenant(owner_url: str, redis_url: str, tenant_id: UUID, *, actor: str) -> ErasureReport:
    """Remove everything that is stored of *tenant_id*, as *actor*. Safe to repeat.

    Raises:
        Rejected: As for `erase_rows`.
        DatabaseUnavailable: The connection to PostgreSQL was lost; run it again.
        QueueUnavailable: Redis does not answer. The rows are erased; run it again.
    """
    rows = await erase_rows(owner_url, tenant_id, actor=actor)
    return ErasureReport(rows.erased, await erase_rings(redis_url, tenant_id), rows.left)
