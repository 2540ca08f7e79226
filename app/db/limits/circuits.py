"""Circuit breakers of what a tenant depends on: its help desk, model, monitoring, documentation.

    closed ── failures in a row (`core.retry.FAILURES_TO_OPEN`) ──▶ open ── a while ──▶ half-open ── a success ──▶ closed
    calls pass                                                      none passes        one at a time tries
                                                                      ▲                      │
                                                                      └────── a failure ─────┘

Invariant: what fails while a circuit is open began before it opened, so it is one outage and counted once. For example,
the fifth failure in a row opens the circuit for 15 s; the first failure after these opens it for 30 s.

A success is stored where a failure is known, to the attempt's claim or to its process: most store nothing. So a success
between failures may not count if its attempt began before the first of them, and another worker counted them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from uuid import UUID

from app.core.retry import open_for
from app.db.session import Database
from app.db.sql import load

_COUNT: Final = load(__package__, "count_failure")
_OPEN: Final = load(__package__, "open_circuit")
_CLOSE: Final = load(__package__, "close_circuit")


class Dependency(StrEnum):
    """What has a circuit."""

    HELP_DESK = "help_desk"
    MODEL = "model"
    MONITORING = "monitoring"
    DOCUMENTATION = "documentation"


class Circuits:
    """The circuits of all tenants, each call for one tenant's."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._failed: set[tuple[UUID, Dependency]] = set()
        """What failed in this process, and has not succeeded since."""

    def has_failed(self, tenant_id: UUID, dependency: Dependency) -> bool:
        """Whether this process has counted a failure since the last success."""
        return (tenant_id, dependency) in self._failed

    async def record_failure(self, tenant_id: UUID, dependency: Dependency) -> bool:
        """Count a failure. True when the circuit is open now."""
        self._failed.add((tenant_id, dependency))
        key = {"tenant_id": tenant_id, "dependency": dependency}
        async with self._database.transaction(tenant_id) as tx:
            row = await tx.row(_COUNT, **key)
            if row is None or row["is_open"]:
                return row is not None
            wait = open_for(row["failures"])
            if wait is None:
                return False
            await tx.run(_OPEN, **key, wait=wait)
        return True

    async def record_success(self, tenant_id: UUID, dependency: Dependency) -> bool:
        """Close the circuit and forget its failures. False when there were none."""
        self._failed.discard((tenant_id, dependency))  # before: a failure meanwhile is one after this success
        async with self._database.transaction(tenant_id) as tx:
            return await tx.row(_CLOSE, tenant_id=tenant_id, dependency=dependency) is not None
