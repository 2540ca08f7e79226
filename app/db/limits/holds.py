"""What holds a tenant's deliveries back now, or lets its notes do without something; read, never changed, here.

Invariant: a hold loses nothing. While a tenant is paused, its calls are used up, or the circuit of its help desk is
open, its deliveries stay due and unclaimed. While the circuit of its model, monitoring or documentation is open, its notes are
written without, and say so. Which holds do which is said once, in the view `hold`, which KEDA and the claim read as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.core.tenant import EVERY_TENANT
from app.db.session import Database
from app.db.sql import load

_LIST: Final = load(__package__, "holds")


class Cause(StrEnum):
    """Why: the first two by an operator and by the help desk's limit of calls, the others while a circuit is open."""

    PAUSED = "paused"
    RATE_LIMITED = "calls"
    HELP_DESK = "help_desk"
    MODEL = "model"
    MONITORING = "monitoring"
    DOCUMENTATION = "documentation"


_KNOWN: Final = {cause.value: cause for cause in Cause}


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold that is on now."""

    tenant_id: UUID
    cause: Cause
    until: datetime | None
    """None: until an operator resumes the tenant."""
    since: datetime
    failures: int
    by: str | None
    reason: str | None
    holds_deliveries: bool
    """Else the tenant's notes do without something."""


async def list_holds(database: Database, tenant_ids: Iterable[UUID]) -> list[Hold]:
    """The holds of these tenants, and of every tenant; the longest first. Those of a newer release are left out."""
    async with database.transaction(None, reads_all_times=True) as tx:
        rows = await tx.rows(_LIST, tenant_ids=[*tenant_ids, EVERY_TENANT])
    return [
        Hold(
            tenant_id=row["tenant_id"],
            cause=_KNOWN[row["cause"]],
            until=None if row["is_endless"] else row["until"],
            since=row["since"],
            failures=row["failures"],
            by=row["by"],
            reason=row["reason"],
            holds_deliveries=row["holds_deliveries"],
        )
        for row in rows
        if row["cause"] in _KNOWN
    ]
